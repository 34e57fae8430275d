// The page: upload one file, show what the service heard. No framework, no build step.
import { Taggram } from "/assets/taggram.js";

const byId = (id) => document.getElementById(id);
const ui = Object.fromEntries(
  ["state", "drop", "file", "model", "top", "access", "unlock", "key", "about", "work", "step", "progress", "cancel", "error",
    "answer", "name", "player", "warnings", "tags", "facts", "curl", "copy"].map((id) => [id, byId(id)]),
);
const taggram = new Taggram(ui.player);
let models = [];
let running = null;
let current = null;
let chosen = null;

const percent = (score) => `${(100 * score).toFixed(1)} %`;
const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const keyHeaders = () => (ui.key.value ? { "X-API-Key": ui.key.value } : {});

// --- what is served

async function readState() {
  try {
    const answer = await fetch("/readyz");
    const state = await answer.json();
    ui.state.textContent = state.ready ? "ready" : state.draining ? "shutting down" : "starting: no worker is up yet";
    ui.state.className = `state ${state.ready ? "good" : "bad"}`;
  } catch {
    ui.state.textContent = "the service does not answer";
    ui.state.className = "state bad";
  }
}

async function readModels() {
  const answer = await fetch("/v1/models", { headers: keyHeaders() });
  if (answer.status === 401) {
    ui.access.open = true;
    return;
  }
  models = (await answer.json()).models.filter((model) => model.served);
  ui.model.replaceChildren(...models.map((model) => {
    const option = element("option", "", model.title);
    option.value = model.name;
    option.selected = model.default;
    return option;
  }));
  describeModel();
}

function describeModel() {
  const model = models.find((each) => each.name === ui.model.value);
  ui.about.textContent = model
    ? `${model.description} ${model.labels.length} labels, patches of ${model.patch.length_s.toFixed(1)} s. `
      + `Weights: ${model.licence.spdx}, ${model.licence.holder}.`
    : "";
}

// --- asking

function target() {
  const query = new URLSearchParams({ top_k: ui.top.value || "12", timeline: "true" });
  if (ui.model.value) query.append("model", ui.model.value);
  return `/v1/analyze?${query}`;
}

function analyze(file) {
  if (running) running.abort();
  chosen = file;
  const request = new XMLHttpRequest();
  running = request;
  request.open("POST", target());
  request.setRequestHeader("Content-Type", /^(audio|video)\//.test(file.type) ? file.type : "application/octet-stream");
  for (const [name, value] of Object.entries(keyHeaders())) request.setRequestHeader(name, value);
  request.upload.onprogress = (event) => step(`Sending ${percent(event.loaded / event.total)}`, event.loaded / event.total);
  request.upload.onload = () => step("Listening …", null);
  request.onload = () => finish(request, file);
  request.onerror = () => fail("The connection broke off. Is the service running?");
  request.onabort = () => { if (running === request) idle(); };
  ui.error.hidden = true;
  ui.answer.hidden = true;
  step("Sending …", 0);
  request.send(file);
}

function step(text, share) {
  ui.work.hidden = false;
  ui.step.textContent = text;
  if (share === null) ui.progress.removeAttribute("value");
  else ui.progress.value = share;
}

function idle() {
  running = null;
  ui.work.hidden = true;
}

function fail(text) {
  idle();
  ui.error.textContent = text;
  ui.error.hidden = false;
}

function finish(request, file) {
  let body;
  try {
    body = JSON.parse(request.responseText);
  } catch {
    fail(`The service answered ${request.status} and no JSON.`);
    return;
  }
  if (request.status === 200) {
    idle();
    show(body, file, request);
    return;
  }
  if (request.status === 401) ui.access.open = true;
  const wait = request.getResponseHeader("Retry-After");
  fail(`${body.title}. ${body.detail}${wait ? ` Try again in ${wait} s.` : ""} (${body.code}, request ${body.request_id})`);
}

// --- showing

function show(body, file, request) {
  const [result] = body.results;
  current = { body, result, url: request.responseURL || location.origin + target() };
  ui.answer.hidden = false;
  ui.name.textContent = file.name;
  if (ui.player.src) URL.revokeObjectURL(ui.player.src);
  ui.player.src = URL.createObjectURL(file);
  showWarnings(body.clip, result);
  showTags(result);
  taggram.show(result, body.clip.duration_s);
  showFacts(body, request);
  showCurl(file);
  ui.name.focus({ preventScroll: true });
}

function showWarnings(clip, result) {
  const warnings = [
    [clip.truncated, "The file breaks off; what came before was analysed."],
    [clip.clipped, "The recording is clipped: many samples reach full scale."],
    [clip.silent, "The recording is silent, so the tags mean nothing."],
    [result.patches.count === 1 && result.patches.filled_s > 0,
      `The clip is shorter than one patch; ${result.patches.filled_s.toFixed(1)} s of it were filled (${result.patches.short}).`],
  ];
  ui.warnings.replaceChildren(...warnings.filter(([holds]) => holds).map(([, text]) => element("li", "", text)));
}

function showTags(result) {
  ui.tags.replaceChildren(...result.tags.map(({ label, score }) => {
    const row = element("li");
    const track = element("div", "track");
    const fill = element("div", "fill");
    fill.style.width = percent(score).replace(" ", "");
    track.append(fill, element("div", "now"));
    row.append(element("span", "label", label), track, element("span", "score", percent(score)));
    return row;
  }));
}

function showNow(scores) {
  ui.tags.querySelectorAll(".now").forEach((mark, index) => {
    mark.hidden = !scores;
    if (scores) mark.style.left = `${100 * scores[index]}%`;
  });
}

function showFacts({ clip, request_id: id }, request) {
  const { result } = current;
  const { patches } = result;
  const timing = (request.getResponseHeader("Server-Timing") || "").match(/total;dur=([\d.]+)/);
  const facts = {
    Duration: `${clock(clip.duration_s)} (${clip.duration_s.toFixed(2)} s)`,
    Upload: `${clip.format}, ${clip.sample_rate_hz} Hz, ${clip.channels} channel${clip.channels === 1 ? "" : "s"}`,
    Model: `${result.model}, ${result.precision}, front end ${result.frontend}`,
    Patches: `${patches.count} of ${patches.length_s.toFixed(2)} s, every ${patches.hop_s.toFixed(2)} s`,
    "Left out": `${patches.dropped_s.toFixed(2)} s at the end (${patches.tail})`,
    Answered: `${result.cached ? "from the cache" : "computed"}${timing ? ` in ${Number(timing[1]).toFixed(0)} ms` : ""}`,
    "SHA-256": clip.sha256,
    Request: id,
  };
  ui.facts.replaceChildren(...Object.entries(facts).flatMap(([name, text]) => [element("dt", "", name), element("dd", "", text)]));
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

function showCurl(file) {
  const url = new URL(current.url, location.href).href;
  const key = ui.key.value ? ` -H 'X-API-Key: …'` : "";
  ui.curl.textContent = `curl${key} -F ${quoted(`file=@"${file.name.replace(/[\\"]/g, "\\$&")}"`)} ${quoted(url)}`;
}

// --- wiring

ui.file.addEventListener("change", () => { if (ui.file.files.length) analyze(ui.file.files[0]); });
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => { event.preventDefault(); ui.drop.classList.add("over"); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) ui.drop.classList.remove("over"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  ui.drop.classList.remove("over");
  if (event.dataTransfer.files.length) analyze(event.dataTransfer.files[0]);
});
ui.cancel.addEventListener("click", () => running && running.abort());
ui.model.addEventListener("change", () => {
  describeModel();
  if (chosen) analyze(chosen);
});
ui.unlock.addEventListener("submit", (event) => { event.preventDefault(); ui.key.blur(); });
ui.key.addEventListener("change", () => { readModels().catch(() => {}); });
ui.copy.addEventListener("click", async () => {
  await navigator.clipboard.writeText(ui.curl.textContent);
  ui.copy.textContent = "Copied";
  setTimeout(() => { ui.copy.textContent = "Copy"; }, 1500);
});
taggram.onMove = showNow;
readState();
setInterval(readState, 5000);
readModels().catch(() => fail("The list of models cannot be read."));
