// One prototype: what it sounds like, whether that can be trusted, and where it comes from.
import { askJson } from "/assets/api.js";
import { badgeTable, pill, sayTake } from "/assets/badge.js";
import { button, clock, element, nameOf, percent } from "/assets/dom.js";
import { Player } from "/assets/player.js";
import { playButton, soundAt } from "/assets/sound.js";
import { Task } from "/assets/task.js";

const KINDS = { prototype: "Decoded prototype", medoid: "Decoded medoid", segment: "Real segment" };
const MEANINGS = {
  prototype: "The prototype itself as sound; each seed is another take.",
  medoid: "The nearest real segment, embedded and decoded again: what the decoder makes of something real.",
  segment: "That training segment itself, as the model heard it: nothing of it was made by the decoder.",
};

export class Card {
  // `onMix(summary)` hears that the prototype should go into the mix; null where nothing can be mixed.
  constructor(summary, onMix) {
    this.summary = summary;
    const { id, label, audio_url: address } = summary;
    const name = nameOf(id, label);
    this.task = new Task();
    this.inside = element("div", "inside");
    this.inside.hidden = true;
    this.toggle = button("plain small", "Look closer", () => this.show(this.inside.hidden));
    this.toggle.setAttribute("aria-expanded", "false");
    this.toggle.setAttribute("aria-label", `Look closer at ${name}`);
    const into = onMix && address ? button("plain small", "Mix", () => onMix(summary)) : null;
    if (into) into.setAttribute("aria-label", `Put ${name} into the mix`);
    this.box = element("article", "card proto",
      element("div", "top", address ? playButton(name, address) : element("span", "mute"),
        element("div", "", element("h4", "", name), pill(summary.verdict))),
      element("p", "quiet", say(summary)),
      element("div", "acts", this.toggle, into), this.task.box, this.inside);
    this.box.tabIndex = -1;
  }

  async show(open) {
    this.inside.hidden = !open;
    this.box.classList.toggle("open", open);
    this.toggle.setAttribute("aria-expanded", String(open));
    this.toggle.textContent = open ? "Close" : "Look closer";
    if (!open || this.inside.firstChild) return;
    const detail = await this.task.run(({ signal, step }) => {
      step("Reading …");
      return askJson(`/v1/prototypes/${encodeURIComponent(this.summary.id)}`, { signal });
    });
    if (detail) this.inside.replaceChildren(...contents(detail));
  }
}

function say({ label, purity, share }) {
  if (purity === null) return "Nothing is known of its training segments.";
  return `${percent(purity, 0)} of its neighbours are ${label}. It stands for ${percent(share, 0)} of that class.`;
}

function contents(detail) {
  const { badge, decoded_medoid: medoid, provenance } = detail;
  return [
    element("p", "", detail.note, " ", element("code", "", detail.id)),
    element("div", "kinds", ...Object.keys(KINDS).map((kind) => players(detail, kind))),
    badge ? badgeTable(badge, "Faithfulness of the decoded prototype") : null,
    medoid ? badgeTable(medoid, "Faithfulness of the decoded medoid, for comparison") : null,
    provenance ? neighbours(provenance) : null,
  ].filter(Boolean);
}

function players(detail, kind) {
  const found = detail.renderings.filter((rendering) => rendering.kind === kind);
  const badge = kind === "medoid" ? detail.decoded_medoid : detail.badge;
  const made = found.map(({ seed, url }) => new Player({
    name: seed === null ? KINDS[kind] : `${KINDS[kind]}, seed ${seed}`,
    title: seed === null ? "The segment" : `Seed ${seed}`,
    note: kind === "segment" ? origin(detail.provenance) : sayTake(badge, seed),
    load: () => soundAt(url),
  }).box);
  const missing = kind === "segment" ? "Its licence does not allow it to be passed on, or it was not kept." : "None is rendered.";
  const none = found.length ? null : element("p", "quiet", missing);
  return element("section", `kind ${kind}`, element("h5", "", KINDS[kind]), element("p", "quiet", MEANINGS[kind]), ...made, none);
}

function origin(provenance) {
  if (!provenance) return null;
  const { file, offset_s: offset, source, licence } = provenance.medoid;
  return `${file} at ${clock(offset)}, ${source}, ${licence}`;
}

function neighbours({ neighbours: near }) {
  const heads = ["Segment", "Class", "Source", "Licence", "Distance"];
  const rows = near.map(({ file, offset_s: offset, label, source, licence, distance }) => element("tr", "",
    ...[`${file} at ${clock(offset)}`, label, source, licence, distance.toFixed(2)].map((cell) => element("td", "", cell))));
  return element("div", "wide", element("table", "near", element("caption", "", "Nearest training segments"),
    element("thead", "", element("tr", "", ...heads.map((text) => element("th", "", text)))), element("tbody", "", ...rows)));
}
