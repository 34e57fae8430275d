// Heat-lines: what each prototype said at each moment, on the time axis of the taggram.
import { colour, element, mix, nameOf, pick, signed, similarityOf } from "/assets/dom.js";
import { compareButton, labelOf } from "/assets/compare.js";
import { Timeline } from "/assets/timeline.js";

export class Heat extends Timeline {
  constructor() {
    const { heatcard, heatmap, heatkind, heatnote } = pick("heatcard", "heatmap", "heatkind", "heatnote");
    super(heatmap, "Position in the track, with the evidence of each prototype");
    Object.assign(this, { card: heatcard, kind: heatkind, note: heatnote, context: null });
    heatkind.addEventListener("change", () => this.fill());
  }

  show(context) {
    this.context = context;
    this.heat = context.result.reasons.heat;
    this.card.hidden = !this.heat || this.heat.prototypes.length === 0;
    if (!this.card.hidden) this.fill();
  }

  hide() {
    this.card.hidden = true;
  }

  fill() {
    const { context, heat } = this;
    this.measure = this.kind.querySelector(":checked").value;
    const values = heat[this.measure];
    this.most = values.flat().reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
    this.names = heat.prototypes.map((id) => nameOf(id, labelOf(context, id)));
    const names = heat.prototypes.map((id) => compareButton(context, { id, label: labelOf(context, id) }));
    this.note.replaceChildren(...this.legend());
    const length = context.result.patches.length_s;
    this.present({ starts: heat.starts_s, length, duration: context.duration, names, values });
  }

  legend() {
    const swatch = (name, text) => [element("span", `swatch ${name}`), ` ${text} `];
    const parts = this.measure === "evidence"
      ? [`Evidence concerning ${this.heat.label}: `, ...swatch("for", "for it"), ...swatch("against", "against it"), "– the stronger, the more. "]
      : ["How similar the track is to each prototype, moment by moment. "];
    return [...parts, "Click a place to listen there, or a prototype to compare."];
  }

  shades() {
    const [none, pro, con, high] = ["--heat-0", "--for", "--against", "--heat-1"].map(colour);
    if (this.measure === "similarity") return (value) => mix(none, high, Math.sqrt(Math.max(0, value)));
    return (value) => mix(none, value < 0 ? con : pro, Math.sqrt(Math.abs(value) / this.most));
  }

  say(row, patch) {
    const { similarity, evidence } = this.heat;
    return `${this.names[row]}: evidence ${signed(evidence[patch][row], 2)}, similarity ${similarityOf({ similarity: similarity[patch][row] })}`;
  }
}
