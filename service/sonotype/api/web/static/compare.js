// Comparing by ear: the uploaded track where it is strongest, then the prototype.
import { byId, clock, element, nameOf } from "/assets/dom.js";
import { PlayButton, addressOf, soundAt } from "/assets/sound.js";
import { play } from "/assets/stage.js";

const say = (text) => { byId("comparing").textContent = text; };
const top = (values) => values.reduce((best, value, index) => (value > values[best] ? index : best), 0);

// The class of a prototype, from what the answer lists.
export function labelOf(context, id) {
  const { labels, nearest } = context.result.reasons;
  const listed = [...labels.flatMap((each) => [...each.for, ...each.against]), ...nearest];
  return listed.find((each) => each.id === id).label;
}

// Start and end, in seconds, of the patch that is most similar to the prototype; where the answer does not say that,
// of the patch with the most of its class, or else the first.
export function strongest({ result, duration }, id, label) {
  const { heat } = result.reasons;
  const { starts_s: starts, labels, scores } = result.timeline;
  const [column, tag] = [heat ? heat.prototypes.indexOf(id) : -1, labels.indexOf(label)];
  let patch = 0;
  if (column >= 0) patch = top(heat.similarity.map((row) => row[column]));
  else if (tag >= 0) patch = top(scores.map((row) => row[tag]));
  return [starts[patch], Math.min(starts[patch] + result.patches.length_s, duration)];
}

export async function playTrack(context, [from, until], hear) {
  say(`A: your track, ${clock(from)} to ${clock(until)}`);
  return play({ from, until }, hear);
}

async function perform(context, { id, label }, { holds, playing }) {
  const summary = context.summaries.get(id);
  const address = summary && summary.audio_url;
  // fetched while the track plays
  const coming = address ? soundAt(address) : null;
  if (coming) coming.catch(() => {});
  playing();
  try {
    if (!(await playTrack(context, strongest(context, id, label)))) return;
    if (!coming) return;
    const url = addressOf(await coming);
    if (!holds()) return;
    say(`B: ${nameOf(id, label)}, ${summary.rendering === "segment" ? "the real segment nearest to it" : "decoded"}`);
    await play({ url });
  } finally {
    say("");
  }
}

// The name of a prototype as a button that compares.
export function compareButton(context, { id, label }) {
  const name = nameOf(id, label);
  const made = new PlayButton(name, (turn) => perform(context, { id, label }, turn), "name", name);
  // where there is no room the class is cut off, never the number
  made.button.replaceChildren(element("span", "base", label), element("span", "rank", name.slice(label.length)));
  made.button.title = `Compare ${name}: your track where it is strongest, then the prototype`;
  return made.button;
}
