// Taggers: those there are, one that is being made, and the one that is open.
import { askJson, fromJson } from "/assets/api.js";
import { button, choices, element, field, number, pick } from "/assets/dom.js";
import { Tagger } from "/assets/tagger.js";
import { Task } from "/assets/task.js";
import { count } from "/assets/tracks.js";

const METHODS = ["entropy", "mrhc", "mchen", "mrsp1", "mrsp2", "mrsp3", "kmeans"];
const LOOK_MS = 700; // how often is asked how far a fit is

export class Taggers {
  constructor() {
    Object.assign(this, pick("taggerlist", "taggernote", "taggerform", "taggertask"));
    this.task = new Task();
    this.taggertask.append(this.task.box);
    this.one = new Tagger(() => this.list());
    this.name = Object.assign(element("input"), { placeholder: "moods", maxLength: 64, pattern: "[a-z0-9][a-z0-9_\\-]*", required: true, spellcheck: false });
    this.collection = Object.assign(element("input"), { placeholder: "all", maxLength: 64, spellcheck: false });
    this.labels = Object.assign(element("input"), { placeholder: "all there are", spellcheck: false });
    this.budget = number(5, 0.1, 99);
    this.budget.step = "any";
    this.method = choices(element("select"), METHODS);
    this.taggerform.replaceChildren(field("Name", this.name), field("Collection", this.collection), field("Only labels", this.labels),
      field("Prototypes, % of tracks", this.budget), field("Method", this.method), Object.assign(button("", "Create", () => {}), { type: "submit" }));
    this.taggerform.addEventListener("submit", (event) => { event.preventDefault(); this.create(); });
  }

  // Show all taggers, and one of them where it is named.
  async open(name = "") {
    await this.list();
    if (name) await this.one.open(name);
    else this.one.close();
  }

  close() {
    this.task.abort();
    this.one.close();
  }

  async list() {
    const found = await this.task.run(({ signal }) => askJson("/v1/taggers", { signal }));
    if (!found) return;
    this.taggerlist.replaceChildren(...found.taggers.map(row));
    this.taggernote.textContent = found.taggers.length
      ? count(found.taggers.length, "tagger")
      : "There is none yet. Tag some tracks of the catalogue, and create one from them.";
  }

  async create() {
    const labels = this.labels.value.split(",").map((each) => each.trim()).filter(Boolean);
    const from = this.collection.value.trim() ? { collection: [this.collection.value.trim()] } : {};
    const body = { name: this.name.value.trim(), from, labels, method: this.method.value, budget: Number(this.budget.value) / 100 };
    const made = await this.task.run(async ({ signal, step }) => {
      step("Reading the tracks …");
      const watch = setInterval(() => this.watch(body.name, step), LOOK_MS);
      try {
        return await askJson("/v1/taggers", { ...fromJson(body), signal });
      } finally {
        clearInterval(watch);
      }
    });
    if (!made) return;
    this.name.value = "";
    location.hash = `#taggers/${made.name}`;
  }

  // How far the fit is; a look that fails is no failure of the fit.
  async watch(name, step) {
    try {
      const one = (await askJson("/v1/taggers")).fitting.find((each) => each.name === name);
      if (one) step(one.phase === "fitting" ? `Fitting ${count(one.tracks, "track")} …` : `Reading the tracks: ${one.tracks} …`);
    } catch { /* the request itself says what is wrong */ }
  }
}

function row({ name, labels, tracks, prototypes, version, corrections, stale }) {
  const link = element("a", "title", name);
  link.href = `#taggers/${name}`;
  const facts = [count(labels.length, "label"), `${count(tracks, "track")} in ${count(prototypes, "prototype")}`,
    `version ${version}`, corrections ? count(corrections, "correction") : null, stale ? "of an older generation" : null];
  return element("li", "trackrow", element("div", "who", link, element("span", "quiet", facts.filter(Boolean).join(" · "))));
}
