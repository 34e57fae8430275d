// The faithfulness gate in plain words.
import { element, percent, withRoles } from "/assets/dom.js";

// What a sonification must reach; the same numbers as in the evaluation.
export const THRESHOLDS = { cosine: 0.6, retrieval: 0.5, classifier: 0.9, judge: 0.7, seeds: 0.7, nulls: 0.15 };

const PILLS = {
  passed: ["good", "passed the gate", "What you hear was decoded from the prototype, and it passed every test of faithfulness."],
  replaced: ["fair", "real segment instead", "The decoded prototype is not faithful enough, so you hear the nearest real training segment."],
  failed: ["poor", "did not pass", "The decoded prototype is not faithful enough, and there is no real segment to offer instead."],
  ungated: ["", "not tested", "The decoded prototype has not been through the tests of faithfulness."],
  silent: ["", "no sound", "There is nothing to play for this prototype."],
};

export function pill(verdict) {
  const [className, text, title] = PILLS[verdict] || ["", verdict, ""];
  const made = element("span", `pill ${className}`, text);
  made.title = title;
  return made;
}

// What is tested, the score, and what stands behind it.
const TESTS = {
  cosine: ["Embedded again, it comes back to where it started", (b) => `${percent(b.share, 0)} of what real audio keeps`,
    (b) => `cosine ${b.cosine.toFixed(2)}, real audio keeps ${b.ceiling.toFixed(2)}`],
  retrieval: ["Of all prototypes, its own is the nearest", (b) => `${percent(b.retrieval, 0)} of takes`],
  classifier: ["The model itself hears the right class", (b) => `${percent(b.classifier, 0)} of takes`],
  judge: ["An independent classifier hears the right class", (b) => `${percent(b.judge, 0)} of takes`],
  seeds: ["Takes with different seeds sound alike", (b) => `cosine ${b.seeds.toFixed(2)}`],
  nulls: ["Other sounds do not come as close", (b) => `${(b.cosine - Math.max(b.null_other, b.null_zero)).toFixed(2)} above them`,
    (b) => `another class reaches ${b.null_other.toFixed(2)}, no embedding at all ${b.null_zero.toFixed(2)}`],
};

const needed = (name) => (["seeds", "nulls"].includes(name) ? THRESHOLDS[name].toFixed(2) : percent(THRESHOLDS[name], 0));

// Every test with its score, what it needs, and how it came out.
export function badgeTable(badge, caption) {
  const rows = Object.entries(TESTS).map(([name, [text, score, more]]) => {
    const holds = !badge.failed.includes(name);
    return element("tr", holds ? "" : "short",
      element("th", "", text, more ? element("span", "quiet", ` (${more(badge)})`) : null),
      element("td", "", score(badge)), element("td", "", `at least ${needed(name)}`),
      element("td", "", element("span", `pill ${holds ? "good" : "poor"}`, holds ? "holds" : "falls short")));
  });
  rows.forEach((row) => { row.firstChild.scope = "row"; });
  const head = element("tr", "", ...["Test", "Score", "Needed", "Outcome"].map((text) => element("th", "", text)));
  return element("div", "wide", withRoles(element("table", "gate",
    element("caption", "", caption), element("thead", "", head), element("tbody", "", ...rows))));
}

// One take in a line; null where it was not tested.
export function sayTake(badge, seed) {
  const take = badge && badge.scores.find((each) => each.seed === seed);
  if (!take) return null;
  const heard = take.classifier === take.judge ? `both hear ${take.judge}` : `the model hears ${take.classifier}, the judge ${take.judge}`;
  const place = take.rank === 1 ? "is the nearest" : `comes in place ${take.rank}`;
  return `cosine ${take.cosine.toFixed(2)}, its own prototype ${place}, ${heard}`;
}
