// Size against precision, as a picture with a table of the same for those who do not see it.
import { element, percent } from "/assets/dom.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [560, 240, 48, 20, 16, 40];
const drawn = (picture, name, attributes, text = "") => {
  const made = document.createElementNS(picture.namespaceURI, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  picture.append(made);
};

// Draw sizes with a mean average precision, from few prototypes to many, into an SVG; returns the same as text.
export function pareto(picture, sizes) {
  const logs = sizes.map(({ prototypes }) => Math.log(Math.max(1, prototypes)));
  const values = sizes.map(({ mean_average_precision: value }) => value);
  const [low, high] = [Math.floor(20 * Math.min(...values) - 0.2) / 20, Math.ceil(20 * Math.max(...values) + 0.2) / 20];
  const x = (at) => LEFT + ((WIDTH - LEFT - RIGHT) * (logs[at] - Math.min(...logs))) / Math.max(1e-9, Math.max(...logs) - Math.min(...logs));
  const y = (value) => TOP + ((HEIGHT - TOP - BOTTOM) * (high - value)) / (high - low);
  picture.replaceChildren();
  picture.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  for (const value of [low, (low + high) / 2, high]) {
    drawn(picture, "line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: "grid" });
    drawn(picture, "text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(2));
  }
  drawn(picture, "polyline", { points: values.map((value, at) => `${x(at)},${y(value)}`).join(" "), class: "line" });
  values.forEach((value, at) => {
    drawn(picture, "circle", { cx: x(at), cy: y(value), r: 4, class: "dot" });
    const [text, before] = [at, at - 1].map((each) => (sizes[each] ? String(Math.round(sizes[each].prototypes)) : ""));
    if (text !== before) drawn(picture, "text", { x: x(at), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" }, text);
  });
  drawn(picture, "text", { x: (LEFT + WIDTH) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, "prototypes; upwards: mAP on tracks left out");
  const rows = sizes.map(({ share, prototypes, mean_average_precision: value }) =>
    element("li", "", `${percent(share, 0)} of the tracks, ${prototypes.toFixed(0)} prototypes: mAP ${value.toFixed(3)}`));
  return element("div", "", element("details", "more", element("summary", "", "The same as text"), element("ul", "list", ...rows)));
}
