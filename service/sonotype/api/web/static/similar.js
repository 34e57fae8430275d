// Similar tracks: the knobs of the question, and the answer with bars and reasons.
import { button, choices, element, field, number } from "/assets/dom.js";
import { Task } from "/assets/task.js";
import { heading, titleOf, trackWeights } from "/assets/tracks.js";
import { askWhy, bar, whyBox } from "/assets/why.js";

export class Similar {
  // `ask({ k, diversity, … }, way)` comes to the answer; `reference()` is the track that a match is compared with, or null.
  constructor(box, ask, reference = () => null) {
    Object.assign(this, { ask, reference });
    this.k = number(10, 1, 200);
    this.perArtist = Object.assign(number("", 1, 200), { placeholder: "any" });
    this.diversity = Object.assign(element("input"), { type: "range", min: 0, max: 1, step: 0.05, value: 0 });
    this.hide = Object.assign(element("input"), { type: "checkbox" });
    this.hubness = choices(element("select"), [["mutual_proximity", "mutual proximity"], ["none", "not corrected"]]);
    this.hubness.title = "Tracks that are near to everything are pushed back.";
    this.knobs = element("div", "options knobs", field("How many", this.k), field("Diversity", this.diversity), field("Most per artist", this.perArtist),
      field("Hubs", this.hubness), element("label", "field", this.hide, " hide duplicates"));
    this.knobs.addEventListener("change", () => this.find());
    this.task = new Task();
    this.note = element("p", "quiet");
    this.note.setAttribute("role", "status");
    this.list = element("ol", "list");
    box.replaceChildren(this.knobs, this.task.box, this.note, this.list);
  }

  // The knobs with the names of the API; absent is left to its default.
  knobsAsked() {
    const asked = { k: Number(this.k.value || 10), diversity: Number(this.diversity.value), hubness: this.hubness.value, hide_duplicates: this.hide.checked };
    return this.perArtist.value ? { ...asked, max_per_artist: Number(this.perArtist.value) } : asked;
  }

  async find() {
    const found = await this.task.run((way) => {
      way.step("Looking for similar tracks …");
      return this.ask(this.knobsAsked(), way);
    });
    if (found) this.show(found);
    return found;
  }

  clear() {
    this.task.abort();
    this.note.textContent = "";
    this.list.replaceChildren();
  }

  show(found) {
    this.note.textContent = say(found, this.hubness.value);
    const reference = this.reference();
    this.list.replaceChildren(...found.matches.map((match) => matchRow(match, reference)));
  }
}

function say({ matches, exact, degraded, hubness, short_because: short }, wanted) {
  return [
    matches.length ? "" : "No track fits.",
    short || "",
    degraded ? "The index is being rebuilt, so every track was compared: slower, but complete." : exact ? "Every track was compared." : "",
    hubness !== wanted ? "The catalogue is too small to correct for hubs." : "",
  ].filter(Boolean).join(" ");
}

// One match; `reference` is the id of the track that it can be compared with.
export function matchRow({ track, similarity }, reference) {
  const made = element("li", "trackrow match", heading(track), bar(similarity, similarity.toFixed(2).replace("-", "−")));
  const inside = element("div", "inside");
  inside.hidden = true;
  if (reference && reference !== track.id) made.append(whyButton(reference, track, inside));
  made.append(trackWeights(track), inside);
  return made;
}

function whyButton(reference, track, inside) {
  const task = new Task();
  const toggle = button("plain small", "Why?", async () => {
    inside.hidden = !inside.hidden;
    toggle.setAttribute("aria-expanded", String(!inside.hidden));
    if (inside.hidden || inside.querySelector(".why")) return;
    inside.replaceChildren(task.box);
    const box = await task.run(async ({ signal, step }) => {
      step("Asking why …");
      return whyBox(await askWhy(reference, track.id, signal));
    });
    if (box) inside.replaceChildren(box);
  });
  toggle.setAttribute("aria-expanded", "false");
  toggle.setAttribute("aria-label", `Why is ${titleOf(track)} alike?`);
  return toggle;
}
