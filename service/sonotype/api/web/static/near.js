// What a tagger went by: prototypes, and the tracks that they stand for.
import { askJson } from "/assets/api.js";
import { element } from "/assets/dom.js";
import { count, seen, titleOf, trackLink, trackUrl } from "/assets/tracks.js";
import { bar } from "/assets/why.js";

export const nameOf = (track) => (seen.has(track) ? titleOf(seen.get(track)) : track);

// A prototype by the tracks that it stands for, so that one can go and listen.
export async function nearRow({ distance, members, examples }) {
  await Promise.all(examples.filter((id) => !seen.has(id)).map(async (id) => {
    try {
      seen.set(id, await askJson(trackUrl(id)));
    } catch { /* deleted since: its id must do */ }
  }));
  const links = examples.flatMap((id, place) => {
    const link = element("a", "", nameOf(id));
    link.href = trackLink(id);
    return place ? [", ", link] : [link];
  });
  return element("li", "trackrow", element("div", "who", element("span", "", ...links),
    element("span", "quiet", `stands for ${count(members, "track")}, at the distance`)), bar(1 - distance / 2, distance.toFixed(2)));
}
