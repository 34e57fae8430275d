// A counterfactual way: sound by sound from here to where another class wins.
import { askSound, fromFile, fromJson } from "/assets/api.js";
import { button, choices, element, field, number, percent } from "/assets/dom.js";
import { Player } from "/assets/player.js";
import { forget } from "/assets/sound.js";
import { Task } from "/assets/task.js";

// `cello:0.912346, tenor%20saxophone:0.456` as pairs of label and score
export function readLabels(header) {
  return (header || "").split(",").filter(Boolean).map((each) => {
    const at = each.lastIndexOf(":");
    return [decodeURIComponent(each.slice(0, at).trim()), Number(each.slice(at + 1))];
  });
}

export class Way {
  // From the uploaded file where there is one, else from the class that is chosen.
  constructor(box) {
    this.from = element("select");
    this.to = element("select");
    this.points = number(5, 2, 16);
    this.seed = number(0, 0, 2 ** 32 - 1);
    this.task = new Task();
    this.result = element("div", "result");
    this.start = field("From", this.from);
    this.go = button("", "Play the way", () => this.make());
    box.replaceChildren(
      element("div", "options", this.start, field("To", this.to), field("Steps", this.points), field("Seed", this.seed), this.go),
      this.task.box, this.result);
  }

  offer(model, file = null, winner = null) {
    Object.assign(this, { model, file });
    this.start.hidden = Boolean(file);
    choices(this.from, model.labels);
    choices(this.to, model.labels.filter((label) => label !== winner));
    if (!file && this.to.value === this.from.value) this.to.selectedIndex = (this.from.selectedIndex + 1) % model.labels.length;
    this.clear();
  }

  clear() {
    this.task.abort();
    if (this.blob) forget(this.blob);
    this.blob = null;
    this.result.replaceChildren();
  }

  request() {
    const { model, file, to, from, points, seed } = this;
    if (file) {
      const query = new URLSearchParams({ model: model.name, to_label: to.value, points: points.value || "5", seed: seed.value || "0" });
      return [`/v1/sonify?${query}`, fromFile(file)];
    }
    const path = { from_label: from.value, to_label: to.value, points: Number(points.value || 5) };
    return ["/v1/sonify", fromJson({ model: model.name, path, seed: Number(seed.value || 0) })];
  }

  async make() {
    this.clear();
    const [target, options] = this.request();
    const made = await this.task.run(async ({ signal, step }) => {
      step("Finding the way and decoding it …");
      return askSound(target, { ...options, signal }, (share) => step("Receiving the sounds …", share));
    });
    if (made) this.present(made);
  }

  present({ blob, headers }) {
    this.blob = blob;
    const labels = readLabels(headers.get("Sonotype-Labels"));
    const each = Number(headers.get("Sonotype-Duration")) / labels.length;
    const player = new Player({
      name: "The way", note: `${labels.length} sounds of ${each.toFixed(1)} s, one after the other`,
      load: async () => blob, file: "way.wav", marks: labels.slice(1).map((_, index) => (index + 1) * each),
    });
    player.offer(blob);
    const steps = labels.map(([label, score], index) => {
      const step = button("step", "", () => player.from(index * each + 0.01));
      step.append(element("strong", "", label), element("span", "score", percent(score, 0)));
      return element("li", index && label !== labels[index - 1][0] ? "turn" : "", step);
    });
    player.onTime = (time) => steps.forEach((step, index) => {
      const here = time !== null && Math.floor(time / each) === index;
      if (here) step.firstChild.setAttribute("aria-current", "step");
      else step.firstChild.removeAttribute("aria-current");
    });
    this.result.replaceChildren(player.box, element("ol", "steps", ...steps));
    player.play.press();
  }
}
