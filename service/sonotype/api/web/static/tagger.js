// One tagger: what it says of a track or a file, corrections, undo, and how good it is.
import { ask, askJson, fromJson, upload } from "/assets/api.js";
import { button, choices, element, percent, pick } from "/assets/dom.js";
import { nameOf, nearRow } from "/assets/near.js";
import { pareto } from "/assets/pareto.js";
import { Task } from "/assets/task.js";
import { count, seen, titleOf, trackLink } from "/assets/tracks.js";
import { bar } from "/assets/why.js";

const PAGE = 200;
const SHOWN = 12;

export class Tagger {
  // `onChanged()` hears that this tagger was changed or deleted.
  constructor(onChanged) {
    Object.assign(this, pick("taggerpanel", "taggername", "taggerfacts", "taggeracts", "taggeronetask", "taggerwhich", "taggerfile",
      "taggersays", "taggerof", "taggerwhy", "taggerreport", "taggerpicture", "taggercurve", "taggermeasured", "taggerdoubts", "taggerreporttask"));
    this.onChanged = onChanged;
    [this.task, this.reporting] = [new Task(), new Task()];
    this.taggeronetask.append(this.task.box);
    this.taggerreporttask.append(this.reporting.box);
    this.taggerwhich.addEventListener("change", () => { if (this.taggerwhich.value) this.tag(this.taggerwhich.value); });
    this.taggerfile.addEventListener("change", () => {
      const [file] = this.taggerfile.files;
      this.taggerfile.value = "";
      if (file) this.hear(file);
    });
    this.taggerreport.addEventListener("click", () => this.report());
  }

  get url() {
    return `/v1/taggers/${encodeURIComponent(this.name)}`;
  }

  async open(name) {
    this.taggerpanel.hidden = false;
    if (this.name === name) return;
    this.name = name;
    this.clear();
    const found = await this.task.run(({ signal }) => askJson(this.url, { signal }));
    if (!found) return;
    this.say(found);
    await this.offer();
    this.taggername.focus({ preventScroll: true });
  }

  close() {
    this.taggerpanel.hidden = true;
    this.name = null;
    this.task.abort();
    this.reporting.abort();
  }

  clear() {
    this.taggername.textContent = this.name;
    for (const part of [this.taggersays, this.taggerwhy, this.taggerpicture, this.taggerdoubts, this.taggeracts]) part.replaceChildren();
    this.taggercurve.toggleAttribute("hidden", true);
    for (const part of [this.taggerfacts, this.taggerof, this.taggermeasured]) part.textContent = "";
  }

  say({ labels, tracks, prototypes, budget, version, corrections, stale, method }) {
    const facts = [`${count(labels.length, "label")}: ${labels.slice(0, SHOWN).join(", ")}${labels.length > SHOWN ? " …" : ""}`, `${count(tracks, "track")} in ${prototypes} of at most ${count(budget, "prototype")}`, `method ${method}`, `version ${version}`,
      stale ? "of an older generation: it answers only for tracks that have its embedding" : null];
    this.taggerfacts.textContent = facts.filter(Boolean).join(" · ");
    const undo = Object.assign(button("plain small", "Undo the last correction", () => this.undo()), { disabled: !corrections });
    this.taggeracts.replaceChildren(undo, button("plain small", "Delete …", () => this.confirm()));
  }

  // Tracks to choose from: the newest page of the catalogue.
  async offer() {
    const page = await this.task.run(({ signal }) => askJson(`/v1/tracks?limit=${PAGE}`, { signal }));
    if (!page) return;
    for (const track of page.tracks) seen.set(track.id, track);
    choices(this.taggerwhich, [["", "choose a track"], ...page.tracks.map((track) => [track.id, titleOf(track)])]);
  }

  async tag(track) {
    const found = await this.task.run(({ signal }) => askJson(`${this.url}/tag`, { ...fromJson({ tracks: [track], top_k: SHOWN }), signal }));
    if (found) await this.answer(found.answers[0], nameOf(track));
  }

  async hear(file) {
    this.taggerwhich.value = "";
    const found = await this.task.run((told) => upload(`${this.url}/tag?top_k=${SHOWN}`, file, told));
    if (found) await this.answer(found.body.answers[0], file.name);
  }

  async answer({ track, tags, prototypes, far }, name) {
    const note = [far ? "It lies far from anything known: do not trust this." : null,
      track ? "Yes and no teach the tagger; the next answer knows it." : "Add the file to the catalogue to correct these."];
    this.taggerof.textContent = [name, ...note].filter(Boolean).join(" · ");
    this.taggersays.replaceChildren(...tags.map(({ label, score }) => element("li", "trackrow", element("div", "who", element("strong", "", label)),
      bar(score, percent(score, 0)), track ? this.verdicts(track, label) : null)));
    const near = await Promise.all(prototypes.map(nearRow));
    this.taggerwhy.replaceChildren(...near);
  }

  verdicts(track, label) {
    return element("span", "weigh", ...[["Yes", true], ["No", false]].map(([word, is]) => {
      const made = button("plain small", word, () => this.teach(track, label, is));
      made.setAttribute("aria-label", `${word}, this track is ${is ? "" : "not "}${label}`);
      return made;
    }));
  }

  async teach(track, label, is) {
    const event = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`;
    await this.change("feedback", { track, label, is, event });
    if (this.taggerwhich.value === track || !this.taggerdoubts.children.length) await this.tag(track);
  }

  async undo() {
    await this.change("undo", {});
    if (this.taggerwhich.value) await this.tag(this.taggerwhich.value);
  }

  async change(what, body) {
    const done = await this.task.run(async ({ signal }) => {
      await askJson(`${this.url}/${what}`, { ...fromJson(body), signal });
      return askJson(this.url, { signal });
    });
    if (done) this.say(done);
    this.onChanged();
  }

  async report() {
    const found = await this.reporting.run(({ signal, step }) => {
      step("Measuring on tracks left out …");
      return askJson(`${this.url}/report?limit=20`, { signal });
    });
    if (!found) return;
    const measured = found.sizes.filter((size) => size.mean_average_precision !== null);
    this.taggercurve.toggleAttribute("hidden", !measured.length);
    this.taggerpicture.replaceChildren(...(measured.length ? [pareto(this.taggercurve, measured)] : []));
    this.taggermeasured.textContent = `${count(found.tracks, "track")}, ${count(found.artists, "known artist")}; ${count(found.doubted, "doubtful label")}.`
      + (measured.length ? "" : " Too little is known to measure anything.");
    this.taggerdoubts.replaceChildren(...found.doubts.map((doubt) => this.doubt(doubt)));
  }

  doubt({ track, label, is, agreement }) {
    const link = element("a", "title", nameOf(track));
    link.href = trackLink(track);
    const said = `is said to be ${is ? "" : "not "}${label}; its neighbours agree by ${percent(agreement, 0)}`;
    return element("li", "trackrow", element("div", "who", link, element("span", "quiet", said)), this.verdicts(track, label));
  }

  // Deleting is for good, so it is asked again, in place.
  confirm() {
    const before = [...this.taggeracts.childNodes];
    const keep = button("plain small", "Keep it", () => this.taggeracts.replaceChildren(...before));
    this.taggeracts.replaceChildren(element("span", "", "Delete this tagger and its history for good? The tracks stay."),
      button("danger small", "Delete for good", () => this.remove()), keep);
    keep.focus();
  }

  async remove() {
    const done = await this.task.run(async ({ signal }) => { await ask(this.url, { method: "DELETE", signal }); return true; });
    if (done) location.hash = "#taggers";
  }
}
