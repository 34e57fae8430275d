// The evidence for one class as bars around zero, and as numbers that add up.
import { element, nameOf, percent, signed, similarityOf, withRoles } from "/assets/dom.js";
import { pill } from "/assets/badge.js";
import { compareButton } from "/assets/compare.js";
import { playButton } from "/assets/sound.js";

const DIGITS = 3;
const rounded = (value) => Number(value.toFixed(DIGITS));

// A table: baseline, what speaks for the class, what speaks against it, the rest, and their sum, the logit.
export function ledger(context, reasons) {
  const shares = [...reasons.for, ...reasons.against];
  const largest = Math.max(1e-9, ...[reasons.baseline, reasons.rest, ...shares.map((each) => each.evidence)].map(Math.abs));
  const line = (...parts) => row(largest, ...parts);
  // every number is rounded as it is shown, so the rest takes up what rounding leaves: the column adds up to the last digit
  const listed = shares.reduce((sum, each) => sum + rounded(each.evidence), rounded(reasons.baseline));
  const rest = rounded(rounded(reasons.logit) - listed);
  return withRoles(element("table", "ledger",
    element("caption", "hidden", `Evidence for and against ${reasons.label}`),
    element("thead", "", element("tr", "", element("th", "", ""), element("th", "", "Prototype"), bars(), element("th", "number", "Evidence"))),
    element("tbody", "",
      line("quiet", null, ["Baseline", "what an average training segment gets"], reasons.baseline),
      ...reasons.for.map((each) => line("for", sound(each), named(context, each), each.evidence)),
      ...reasons.against.map((each) => line("against", sound(each), named(context, each), each.evidence)),
      line("quiet", null, ["Rest", "all other prototypes together"], rest)),
    element("tfoot", "", line("sum", null, ["Logit", "the sum of the column"], reasons.logit))));
}

function bars() {
  return element("th", "", element("span", "ends", element("span", "", "← against"), element("span", "", "for →")));
}

function row(largest, kind, play, [name, ...notes], value) {
  const first = element("th", "", name, element("div", "quiet", ...notes));
  first.scope = "row";
  return element("tr", kind, element("td", "", play), first,
    element("td", "", kind === "sum" ? null : scale(value, largest)), element("td", "number", signed(value, DIGITS)));
}

function scale(value, largest) {
  const fill = element("div", `fill ${value < 0 ? "against" : "for"}`);
  const width = (50 * Math.abs(value)) / largest;
  fill.style.width = `${width}%`;
  fill.style.left = `${value < 0 ? 50 - width : 50}%`;
  return element("div", "scale", fill);
}

const sound = ({ id, label, audio_url: address }) => (address ? playButton(nameOf(id, label), address) : null);

function named(context, share) {
  const link = element("a", "", "more");
  link.href = `#prototypes/${share.id}`;
  link.setAttribute("aria-label", `More about ${nameOf(share.id, share.label)}`);
  const summary = context.summaries.get(share.id);
  return [compareButton(context, share), `similarity ${similarityOf(share)} `, summary ? pill(summary.verdict) : null, " ", link];
}

// How the logit becomes the probability.
export function fromLogit({ model, result }, reasons) {
  const { temperature, multilabel } = model.prototypes;
  const tag = result.tags.find((each) => each.label === reasons.label);
  const through = multilabel ? "the sigmoid" : `the softmax over ${model.labels.length} classes`;
  return element("p", "", `Logit ${signed(reasons.logit, DIGITS)} ÷ temperature ${Number(temperature.toPrecision(3))}, through ${through}: `,
    element("strong", "", percent(tag.score)), ".");
}
