// Why two tracks are alike: a sentence, what their owners say, what the models heard, and what that sounds like.
import { askJson } from "/assets/api.js";
import { element, nameOf, percent, signed } from "/assets/dom.js";
import { modelNamed, summariesOf } from "/assets/models.js";
import { pill } from "/assets/badge.js";
import { playButton } from "/assets/sound.js";
import { chips, trackUrl, weighButtons } from "/assets/tracks.js";

const PROTOTYPES = 5;

export const askWhy = (a, b, signal) => askJson(`${trackUrl(a)}/similar/${encodeURIComponent(b)}/why`, { signal });

// Summaries of every prototype that is named, by id; those of a model that is not served are left out.
export async function prototypesOf(shares) {
  const owners = [...new Set(shares.map(({ model }) => model))].filter((name) => modelNamed(name));
  const maps = await Promise.all(owners.map((name) => summariesOf(modelNamed(name).name)));
  return new Map(maps.flatMap((map) => [...map]));
}

// A prototype in a row: its sound, its name, and what is said of it.
export function prototypeRow(summaries, { prototype: id, label }, said, strength) {
  const name = nameOf(id, label);
  const summary = summaries.get(id);
  const more = element("a", "title", name);
  more.href = `#prototypes/${encodeURIComponent(id)}`;
  return element("li", "trackrow proto-row",
    summary && summary.audio_url ? playButton(name, summary.audio_url) : element("span", "mute"),
    element("div", "who", summary ? more : element("strong", "", name), element("span", "quiet", `${said} `, summary ? pill(summary.verdict) : null)),
    bar(strength, percent(strength, 0)), weighButtons({ prototype: id }, name));
}

// A bar from nothing to everything, with words beside it; below nothing it stays empty.
export function bar(share, text) {
  const fill = element("div", "fill");
  fill.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
  return element("div", "level-bar", element("div", "track", fill), element("span", "score", text));
}

export async function whyBox(why) {
  const summaries = await prototypesOf(why.prototypes);
  const labels = why.labels.map(({ label, score_a: a, score_b: b }) => element("li", "chip", `${label} ${percent(a, 0)} / ${percent(b, 0)}`));
  const shared = why.prototypes.slice(0, PROTOTYPES).map((each) => prototypeRow(summaries, each,
    `evidence ${signed(each.share_a, 2)} here, ${signed(each.share_b, 2)} there`, each.strength));
  const parts = [
    element("p", "sentence", why.sentence),
    ...part("Tags on both", why.tags.length && chips(why.tags)),
    ...part("Labels of both", labels.length && element("ul", "chips", ...labels)),
    ...part("Prototypes that speak for both", shared.length && element("ul", "list", ...shared)),
  ];
  return element("div", "why", ...parts);
}

function part(title, content) {
  return content ? [element("h5", "", title), content] : [];
}
