// What the service says of a track: warnings, tags, facts, and the same request for a shell.
import { key } from "/assets/api.js";
import { byId, clock, element, percent, pick } from "/assets/dom.js";

const ui = pick("warnings", "tags", "facts", "curl", "copy");

export function showWarnings(clip, { patches }) {
  const warnings = [
    [clip.truncated, "The file breaks off; what came before was analysed."],
    [clip.clipped, "The recording is clipped: many samples reach full scale."],
    [clip.silent, "The recording is silent, so the answer means nothing."],
    [patches.count === 1 && patches.filled_s > 0,
      `The clip is shorter than one patch; ${patches.filled_s.toFixed(1)} s of it were filled (${patches.short}).`],
  ];
  ui.warnings.replaceChildren(...warnings.filter(([holds]) => holds).map(([, text]) => element("li", "", text)));
}

export function showTags(result) {
  const isValue = result.task === "regression";
  byId("tags-title").textContent = isValue ? "Values" : result.task === "multiclass" ? "Classes" : "Tags";
  const groups = new Map();
  result.tags.forEach((tag, index) => groups.set(tag.group ?? "", [...(groups.get(tag.group ?? "") ?? []), (isValue ? valueRow : row)(tag, index)]));
  ui.tags.replaceChildren(...[...groups].flatMap(([name, rows]) => (name ? [element("li", "group", name), ...rows] : rows)));
}

// A tag with its bar; `index` is its place in the answer, which groups may change.
function row({ label, score }, index) {
  const fill = element("div", "fill");
  const now = element("div", "now");
  fill.style.width = `${100 * score}%`;
  now.dataset.index = index;
  return element("li", "", element("span", "label", label), element("div", "track", fill, now), element("span", "score", percent(score)));
}

// A value has no bounds, so it has no bar.
function valueRow({ label, score }) {
  return element("li", "", element("span", "label", label), element("div"), element("span", "score", score.toFixed(3)));
}

// Mark the scores of the moment that plays; null where nothing does.
export function showNow(scores) {
  ui.tags.querySelectorAll(".now").forEach((mark) => {
    mark.hidden = !scores;
    if (scores) mark.style.left = `${100 * scores[mark.dataset.index]}%`;
  });
}

export function showFacts({ clip, request_id: id, results: [result] }, timing) {
  const { patches } = result;
  const total = (timing || "").match(/total;dur=([\d.]+)/);
  const facts = {
    Duration: `${clock(clip.duration_s)} (${clip.duration_s.toFixed(2)} s)`,
    Upload: `${clip.format}, ${clip.sample_rate_hz} Hz, ${clip.channels} channel${clip.channels === 1 ? "" : "s"}`,
    Model: `${result.model}, ${result.precision}, front end ${result.frontend}, quality ${result.quality}`,
    Patches: `${patches.count} of ${patches.length_s.toFixed(2)} s, every ${patches.hop_s.toFixed(2)} s${patches.overlap_s ? `, the last shares ${patches.overlap_s.toFixed(2)} s with the one before` : ""}`,
    "Left out": `${patches.dropped_s.toFixed(2)} s at the end (${patches.tail})`,
    Answered: `${result.cached ? "from the cache" : "computed"}${total ? ` in ${Number(total[1]).toFixed(0)} ms` : ""}`,
    "SHA-256": clip.sha256,
    Request: id,
  };
  ui.facts.replaceChildren(...Object.entries(facts).flatMap(([name, text]) => [element("dt", "", name), element("dd", "", text)]));
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

export function showCurl(file, target) {
  const header = key() ? ` -H 'X-API-Key: …'` : "";
  const name = file.name.replace(/[\\"]/g, "\\$&");
  ui.curl.textContent = `curl${header} -F ${quoted(`file=@"${name}"`)} ${quoted(new URL(target, location.href).href)}`;
}

ui.copy.addEventListener("click", async () => {
  await navigator.clipboard.writeText(ui.curl.textContent);
  ui.copy.textContent = "Copied";
  setTimeout(() => { ui.copy.textContent = "Copy"; }, 1500);
});
