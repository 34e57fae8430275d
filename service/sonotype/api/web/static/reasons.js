// Why: the probability of each class, and the evidence that decided it.
import { byId, element, nameOf, percent, pick, similarityOf } from "/assets/dom.js";
import { pill } from "/assets/badge.js";
import { compareButton } from "/assets/compare.js";
import { fromLogit, ledger } from "/assets/ledger.js";
import { playButton } from "/assets/sound.js";

export class ReasonsCard {
  constructor() {
    Object.assign(this, pick("reasons", "strange", "classes", "evidence", "nearest"));
    this.classes.addEventListener("change", () => this.explain(this.classes.querySelector(":checked").value));
  }

  // `context`: file, model, result, duration, summaries of the model's prototypes by id.
  show(context, label = context.result.tags[0].label) {
    this.context = context;
    const { reasons, tags } = context.result;
    this.reasons.hidden = false;
    this.warn(reasons);
    this.classes.replaceChildren(element("legend", "", "Class"), ...tags.map((tag) => choice(tag, label)));
    this.showNearest(reasons);
    this.explain(label);
  }

  hide() {
    this.reasons.hidden = true;
  }

  warn({ out_of_distribution: strange, similarity_max: nearest, ood_threshold: threshold }) {
    this.strange.hidden = !strange;
    this.strange.textContent = "This track is unlike anything that the model was trained on, so do not rely on its classes. "
      + `Even its nearest prototype has a similarity of only ${nearest.toFixed(3)}; 99 % of the training segments reach ${threshold.toFixed(3)}.`;
  }

  explain(label) {
    this.label = label;
    const found = this.context.result.reasons.labels.find((each) => each.label === label);
    byId("evidence-title").textContent = `Evidence concerning ${label}`;
    this.evidence.replaceChildren(ledger(this.context, found), fromLogit(this.context, found));
  }

  showNearest({ nearest }) {
    this.nearest.replaceChildren(...nearest.map(({ id, label, similarity, audio_url: address }) => {
      const summary = this.context.summaries.get(id);
      return element("li", "",
        address ? playButton(nameOf(id, label), address) : null,
        element("div", "", compareButton(this.context, { id, label }),
          element("div", "quiet", `similarity ${similarityOf({ similarity })} `, summary ? pill(summary.verdict) : null)));
    }));
  }
}

function choice({ label, score }, chosen) {
  const radio = Object.assign(element("input"), { type: "radio", name: "class", value: label, checked: label === chosen });
  const level = element("span", "level");
  level.style.width = `${100 * score}%`;
  return element("label", "choice", radio, element("span", "", label), element("span", "score", percent(score)), level);
}
