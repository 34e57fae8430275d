// A mixture of prototypes as sound.
import { askSound, fromJson } from "/assets/api.js";
import { button, element, field, nameOf, notice, number, percent } from "/assets/dom.js";
import { Player } from "/assets/player.js";
import { forget } from "/assets/sound.js";
import { Task } from "/assets/task.js";

const MOST = 4;

export class Mix {
  constructor(box) {
    this.parts = new Map();
    this.list = element("ul", "sliders");
    this.add = element("select");
    this.add.addEventListener("change", () => this.take(this.summaries.get(this.add.value)));
    this.seed = number(0, 0, 2 ** 32 - 1);
    this.go = button("", "Play the mix", () => this.make());
    this.task = new Task();
    this.result = element("div", "result");
    box.replaceChildren(this.list,
      element("div", "options", field("Add", this.add), field("Seed", this.seed), this.go), this.task.box, this.result);
  }

  offer(model, summaries) {
    Object.assign(this, { model, summaries });
    const all = [...summaries.values()].map(({ id, label }) => new Option(nameOf(id, label), id));
    this.add.replaceChildren(new Option("a prototype …", ""), ...all);
    this.parts.clear();
    this.clear();
    this.list.replaceChildren();
    this.weigh();
  }

  // Take a prototype into the mix.
  take(summary) {
    this.add.value = "";
    if (!summary || this.parts.has(summary.id)) return;
    if (this.parts.size === MOST) {
      notice(`A mix has at most ${MOST} prototypes. Remove one first.`);
      return;
    }
    const name = nameOf(summary.id, summary.label);
    const slider = Object.assign(element("input"), { type: "range", min: 1, max: 100, value: 50 });
    slider.setAttribute("aria-label", `Weight of ${name}`);
    slider.addEventListener("input", () => this.weigh());
    const part = { slider, share: element("output", "score"), row: null };
    const remove = button("plain small", "Remove", () => this.drop(summary.id));
    remove.setAttribute("aria-label", `Remove ${name}`);
    part.row = element("li", "", element("span", "label", name), slider, part.share, remove);
    this.parts.set(summary.id, part);
    this.list.append(part.row);
    this.weigh();
  }

  drop(id) {
    this.parts.get(id).row.remove();
    this.parts.delete(id);
    this.weigh();
  }

  weigh() {
    const parts = [...this.parts.values()];
    const whole = parts.reduce((sum, { slider }) => sum + Number(slider.value), 0);
    for (const { slider, share } of parts) share.textContent = percent(slider.value / whole, 0);
    this.go.disabled = parts.length < 2;
    this.go.title = parts.length < 2 ? "A mix needs two prototypes or more." : "";
  }

  clear() {
    this.task.abort();
    if (this.blob) forget(this.blob);
    this.blob = null;
    this.result.replaceChildren();
  }

  async make() {
    this.clear();
    const prototypes = [...this.parts].map(([id, { slider }]) => ({ id, weight: Number(slider.value) / 100 }));
    const body = { model: this.model.name, prototypes, seed: Number(this.seed.value || 0) };
    const made = await this.task.run(async ({ signal, step }) => {
      step("Decoding the mix …");
      return askSound("/v1/sonify", { ...fromJson(body), signal }, (share) => step("Receiving the sound …", share));
    });
    if (made) this.present(made.blob, prototypes);
  }

  present(blob, prototypes) {
    this.blob = blob;
    const names = prototypes.map(({ id }) => nameOf(id, this.summaries.get(id).label));
    const player = new Player({ name: "The mix", note: names.join(" + "), load: async () => blob, file: "mix.wav" });
    player.offer(blob);
    this.result.replaceChildren(player.box);
    player.play.press();
  }
}
