// The query tray: what the answer should be like, and what it should not be like, each with a weight.
import { button, element, notice, pick, signed } from "/assets/dom.js";

const MOST = 64;
const KINDS = { track: "track", tag: "tag", prototype: "prototype" };
const keyOf = (seed) => JSON.stringify(seed);

class Tray {
  constructor() {
    Object.assign(this, pick("tray", "seeds", "emptytray"));
    this.parts = new Map();
    this.onChange = () => {};
    this.emptytray.addEventListener("click", () => this.clear());
  }

  // Take a seed, or give the one that is in already another weight.
  take(seed, name, weight) {
    const known = this.parts.get(keyOf(seed));
    if (known) known.slider.value = weight;
    else if (this.parts.size === MOST) {
      notice(`A query has at most ${MOST} ingredients. Remove one first.`);
      return;
    } else this.add(seed, name, weight);
    this.show();
    notice(`${weight > 0 ? "More" : "Less"} like ${name} is in the query.`, true);
  }

  add(seed, name, weight) {
    const slider = Object.assign(element("input"), { type: "range", min: -1, max: 1, step: 0.1, value: weight });
    slider.setAttribute("aria-label", `Weight of ${name}`);
    slider.addEventListener("input", () => this.say());
    slider.addEventListener("change", () => this.onChange());
    const remove = button("plain small", "Remove", () => this.drop(keyOf(seed)));
    remove.setAttribute("aria-label", `Remove ${name}`);
    const part = { seed, name, slider, weight: element("output", "score") };
    const [kind] = Object.keys(seed);
    part.row = element("li", "", element("span", "label", element("span", "pill", KINDS[kind]), ` ${name}`), slider, part.weight, remove);
    this.parts.set(keyOf(seed), part);
    this.seeds.append(part.row);
  }

  drop(key) {
    this.parts.get(key).row.remove();
    this.parts.delete(key);
    this.show();
  }

  clear() {
    this.parts.clear();
    this.seeds.replaceChildren();
    this.show();
  }

  show() {
    this.tray.hidden = this.parts.size === 0;
    this.say();
    this.onChange();
  }

  say() {
    for (const { slider, weight, row } of this.parts.values()) {
      weight.textContent = signed(Number(slider.value), 1);
      row.classList.toggle("less", Number(slider.value) < 0);
    }
  }

  // What a request names; seeds without a weight say nothing.
  asked() {
    return [...this.parts.values()].map(({ seed, slider }) => ({ ...seed, weight: Number(slider.value) }))
      .filter(({ weight }) => weight !== 0);
  }

  get askable() {
    return this.asked().some(({ weight }) => weight > 0);
  }
}

export const tray = new Tray();
