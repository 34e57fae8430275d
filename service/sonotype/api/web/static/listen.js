// One track: upload it, show what the service heard, and why.
import { Alike } from "/assets/alike.js";
import { upload } from "/assets/api.js";
import { showCurl, showFacts, showNow, showTags, showWarnings } from "/assets/answer.js";
import { button, byId, choices, percent, pick } from "/assets/dom.js";
import { Heat } from "/assets/heat.js";
import { KeptCard } from "/assets/kept.js";
import { describe, modelNamed, prototypeModels, summariesOf } from "/assets/models.js";
import { ReasonsCard } from "/assets/reasons.js";
import { stop, track } from "/assets/stage.js";
import { Taggram } from "/assets/taggram.js";
import { Task } from "/assets/task.js";
import { Way } from "/assets/way.js";

const ui = pick("model", "quality", "qualitybox", "top", "about", "work", "answer", "name", "why", "whybox", "whytask", "turn", "turnbox", "shares", "refine");

export class Listen {
  // `onKeep(file)` hears that a file should go into the catalogue.
  constructor(onKeep) {
    this.task = new Task();
    this.alike = new Alike(onKeep);
    this.whyTask = new Task();
    ui.work.append(this.task.box);
    this.refineTask = new Task();
    ui.whytask.append(this.whyTask.box);
    ui.refine.append(this.refineTask.box);
    ui.shares.addEventListener("change", () => this.refine());
    this.taggram = new Taggram(byId("taggram"), showNow);
    this.reasons = new ReasonsCard();
    this.heat = new Heat();
    this.kept = new KeptCard();
    this.way = new Way(ui.turnbox);
  }

  describe() {
    const model = modelNamed(ui.model.value);
    ui.about.textContent = model ? describe(model) : "";
    const qualities = model ? model.qualities : [];
    ui.qualitybox.hidden = qualities.length === 0;
    choices(ui.quality, qualities.map(({ quality, cost }) => [quality, cost < 1 ? `${quality}, ${percent(cost, 0)} of the cost` : quality]));
  }

  async analyze(file) {
    this.file = file;
    ui.answer.hidden = true;
    this.forget();
    const target = this.target(ui.model.value);
    const found = await this.task.run((way) => upload(target, file, way));
    if (found) await this.show(found, target);
  }

  again() {
    if (this.file) this.analyze(this.file);
  }

  target(model) {
    const query = new URLSearchParams({ top_k: ui.top.value || "12", timeline: "true" });
    if (ui.shares.value !== "5") query.append("reasons_top_k", ui.shares.value);
    if (model) query.append("model", model);
    if (ui.quality.value && ui.quality.value !== "full") query.append("quality", ui.quality.value);
    return `/v1/analyze?${query}`;
  }

  async show({ body, timing }, target) {
    const [result] = body.results;
    ui.answer.hidden = false;
    ui.name.textContent = this.file.name;
    stop();
    if (track.src) URL.revokeObjectURL(track.src);
    track.src = URL.createObjectURL(this.file);
    showWarnings(body.clip, result);
    showTags(result);
    this.taggram.show(result, body.clip.duration_s);
    showFacts(body, timing);
    showCurl(this.file, target);
    this.offerWhy(result);
    this.alike.offer(this.file);
    ui.name.focus({ preventScroll: true });
    if (result.reasons) await this.explain(body);
  }

  // A network says nothing of its reasons; prototype models can be asked about the same track.
  offerWhy(result) {
    const offered = result.reasons ? [] : prototypeModels();
    ui.why.hidden = offered.length === 0;
    ui.whybox.replaceChildren(...offered.map((model) => button("", `Ask “${model.title}”`, () => this.ask(model))));
  }

  async ask(model) {
    this.forget();
    const found = await this.whyTask.run((way) => upload(this.target(model.name), this.file, way));
    if (!found) return;
    await this.explain(found.body);
    byId("reasons-title").scrollIntoView({ block: "start" });
    byId("reasons-title").focus({ preventScroll: true });
  }

  async explain({ clip, results: [result] }) {
    const model = modelNamed(result.model);
    const summaries = (await this.whyTask.run(() => summariesOf(model.name))) || new Map();
    this.context = { file: this.file, duration: clip.duration_s, result, model, summaries };
    this.reasons.show(this.context);
    this.heat.show(this.context);
    this.kept.show(this.context);
    ui.turn.hidden = byId("kept").hidden;
    if (!ui.turn.hidden) this.way.offer(model, this.file, result.tags[0].label);
  }

  // The same answer with more, or less, of its evidence.
  async refine() {
    const { context } = this;
    const found = await this.refineTask.run((way) => upload(this.target(context.model.name), context.file, way));
    if (!found || context !== this.context) return;
    this.context = { ...context, result: found.body.results[0] };
    this.reasons.show(this.context, this.reasons.label);
    this.heat.show(this.context);
  }

  forget() {
    this.context = null;
    this.alike.hide();
    this.whyTask.abort();
    this.refineTask.abort();
    this.reasons.hide();
    this.heat.hide();
    this.kept.hide();
    this.way.clear();
    ui.turn.hidden = true;
  }
}
