// The prototypes of a model, class by class.
import { choices, element, notice, pick } from "/assets/dom.js";
import { Card } from "/assets/card.js";
import { Mix } from "/assets/mix.js";
import { canSonify, describe, modelNamed, models, prototypeModels, summariesOf } from "/assets/models.js";
import { Task } from "/assets/task.js";
import { Way } from "/assets/way.js";

export class Gallery {
  constructor() {
    Object.assign(this, pick("gallery", "filters", "which", "only", "trusted", "count", "galleryabout", "gallerytask", "tools", "mixbox", "betweenbox"));
    this.task = new Task();
    this.gallerytask.append(this.task.box);
    this.mix = new Mix(this.mixbox);
    this.way = new Way(this.betweenbox);
    this.which.addEventListener("change", () => this.load());
    for (const filter of [this.only, this.trusted]) filter.addEventListener("change", () => this.filter());
    this.cards = new Map();
  }

  // Show the gallery, opened at one prototype where it is named.
  async open(id = "") {
    const all = prototypeModels();
    choices(this.which, all.map(({ name, title }) => [name, title]));
    if (!models().length) return;
    if (!all.length) {
      this.galleryabout.textContent = "No prototype model is served. Train one with “sonotype train prototypes”.";
      return;
    }
    this.filters.hidden = false;
    const owner = modelNamed(id.split(".")[0]);
    if (owner) this.which.value = owner.name;
    if (this.model !== modelNamed(this.which.value)) await this.load();
    if (id) this.reveal(id);
  }

  async load() {
    const model = modelNamed(this.which.value);
    this.galleryabout.textContent = describe(model);
    const summaries = await this.task.run(({ step }) => {
      step("Reading the prototypes …");
      return summariesOf(model.name);
    });
    if (!summaries) return;
    this.model = model;
    this.tools.hidden = !canSonify(model);
    choices(this.only, [["", "all classes"], ...model.labels]);
    this.mix.offer(model, summaries);
    this.way.offer(model);
    this.build(model, [...summaries.values()]);
    this.filter();
  }

  build(model, summaries) {
    const onMix = canSonify(model) ? (summary) => this.intoMix(summary) : null;
    this.cards = new Map(summaries.map((summary) => [summary.id, new Card(summary, onMix)]));
    this.groups = model.labels.map((label) => {
      const own = [...this.cards.values()].filter(({ summary }) => summary.label === label);
      return { label, own, box: element("section", "group", element("h3", "", label), element("div", "cards", ...own.map(({ box }) => box))) };
    });
    this.gallery.replaceChildren(...this.groups.map(({ box }) => box));
  }

  filter() {
    let shown = 0;
    for (const { label, own, box } of this.groups) {
      for (const { summary, box: card } of own) card.hidden = this.trusted.checked && summary.verdict !== "passed";
      const seen = own.filter(({ box: card }) => !card.hidden).length;
      box.hidden = seen === 0 || (this.only.value !== "" && this.only.value !== label);
      if (!box.hidden) shown += seen;
    }
    this.count.textContent = `${shown} of ${this.cards.size} prototypes`;
  }

  intoMix(summary) {
    this.mix.take(summary);
    this.tools.scrollIntoView({ block: "nearest" });
  }

  reveal(id) {
    const card = this.cards.get(id);
    if (!card) {
      notice(`There is no prototype ${id}.`);
      return;
    }
    [this.only.value, this.trusted.checked] = ["", false];
    this.filter();
    card.show(true);
    card.box.scrollIntoView({ block: "start" });
    card.box.focus({ preventScroll: true });
  }
}
