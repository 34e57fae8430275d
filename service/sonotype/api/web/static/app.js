// The page: one track and what is heard in it, or the prototypes. No framework, no build step.
import { choices, notice, pick } from "/assets/dom.js";
import { Gallery } from "/assets/gallery.js";
import { Listen } from "/assets/listen.js";
import { readModels } from "/assets/models.js";

const ui = pick("state", "drop", "file", "model", "access", "unlock", "key", "listenview", "prototypesview", "tolisten", "toprototypes", "notice");
const listen = new Listen();
const gallery = new Gallery();

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

async function readServed() {
  try {
    const served = await readModels();
    choices(ui.model, served.map(({ name, title }) => [name, title]));
    const usual = served.find((model) => model.default);
    if (usual && !listen.file) ui.model.value = usual.name;
    listen.describe();
    ui.access.open = false;
    ui.notice.hidden = true;
  } catch (error) {
    notice(error.message);
  }
  await showView();
}

// `#prototypes` and `#prototypes/<id>` show the gallery, anything else the track.
async function showView() {
  const [view, id] = location.hash.slice(1).split("/");
  const prototypes = view === "prototypes";
  ui.prototypesview.hidden = !prototypes;
  ui.listenview.hidden = prototypes;
  for (const [link, here] of [[ui.toprototypes, prototypes], [ui.tolisten, !prototypes]]) {
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (prototypes) await gallery.open(decodeURIComponent(id || ""));
}

ui.file.addEventListener("change", () => { if (ui.file.files.length) listen.analyze(ui.file.files[0]); });
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => { event.preventDefault(); ui.drop.classList.add("over"); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) ui.drop.classList.remove("over"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  ui.drop.classList.remove("over");
  if (!event.dataTransfer.files.length) return;
  location.hash = "";
  listen.analyze(event.dataTransfer.files[0]);
});
ui.model.addEventListener("change", () => {
  listen.describe();
  listen.again();
});
ui.unlock.addEventListener("submit", (event) => { event.preventDefault(); ui.key.blur(); });
ui.key.addEventListener("change", readServed);
addEventListener("hashchange", showView);
readState();
setInterval(readState, 5000);
readServed();
