// Tracks as the page names and shows them. Whatever an owner wrote goes into text nodes, never into markup.
import { button, clock, element } from "/assets/dom.js";
import { tray } from "/assets/tray.js";

// every track that the page has seen, to choose from without asking again
export const seen = new Map();

export const trackUrl = (id) => `/v1/tracks/${encodeURIComponent(id)}`;
export const trackLink = (id) => `#catalogue/${encodeURIComponent(id)}`;
export const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

export function titleOf({ id, metadata, source }) {
  return metadata.title || (source || metadata.external_id || "").split("/").pop() || id;
}

export function bySay({ metadata: { artist, album, year, duration_s: seconds } }) {
  const length = seconds === null ? null : clock(seconds);
  return [artist, album, year, length].filter((each) => each !== null && each !== "").join(" · ");
}

// The name of a track as a link to it, and who made it.
export function heading(track) {
  seen.set(track.id, track);
  const link = element("a", "title", titleOf(track));
  link.href = trackLink(track.id);
  return element("div", "who", link, element("span", "quiet", bySay(track)));
}

// "+" and "−": more like this, less like that.
export function weighButtons(seed, name) {
  return element("span", "weigh", ...[["+", 1, "More"], ["−", -1, "Less"]].map(([sign, weight, word]) => {
    const made = button("plain small sign", sign, () => tray.take(seed, name, weight));
    made.title = `${word} like this: puts it into the query`;
    made.setAttribute("aria-label", `${word} like ${name}`);
    return made;
  }));
}

export const trackWeights = (track) => weighButtons({ track: track.id }, titleOf(track));

export function row(track) {
  return element("li", "trackrow", heading(track), trackWeights(track));
}

// Tags of an owner as chips that can be put into the query.
export function chips(tags) {
  return element("ul", "chips", ...tags.map((tag) => element("li", "chip", tag, weighButtons({ tag }, tag))));
}
