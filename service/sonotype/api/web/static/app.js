// The page: one track and what is heard in it, the prototypes, or the catalogue. No framework, no build step.
import { Catalogue } from "/assets/catalogue.js";
import { choices, notice, pick } from "/assets/dom.js";
import { Gallery } from "/assets/gallery.js";
import { Listen } from "/assets/listen.js";
import { Live } from "/assets/live.js";
import { readModels } from "/assets/models.js";
import { Taggers } from "/assets/taggers.js";

const ui = pick("state", "drop", "file", "model", "quality", "access", "unlock", "key", "listenview", "liveview", "prototypesview", "catalogueview", "taggersview", "totaggers", "tolisten", "tolive", "toprototypes",
  "tocatalogue", "catdrop", "notice");
const catalogue = new Catalogue();
const listen = new Listen((file) => catalogue.add([file]));
const gallery = new Gallery();
const live = new Live();
const taggers = new Taggers();
const VIEWS = { listen: [ui.listenview, ui.tolisten], live: [ui.liveview, ui.tolive], prototypes: [ui.prototypesview, ui.toprototypes], catalogue: [ui.catalogueview, ui.tocatalogue],
  taggers: [ui.taggersview, ui.totaggers] };

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

// `#prototypes/<id>` shows the gallery, `#catalogue/<id>` the catalogue, `#taggers/<name>` taggers, anything else the track that was dropped.
async function showView() {
  const [name, id] = location.hash.slice(1).split("/");
  const view = name in VIEWS ? name : "listen";
  for (const [each, [box, link]] of Object.entries(VIEWS)) {
    box.hidden = each !== view;
    if (each === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const named = decodeURIComponent(id || "");
  if (view === "live") live.open();
  else live.stop();
  if (view === "prototypes") await gallery.open(named);
  if (view === "catalogue") await catalogue.open(named);
  else catalogue.close();
  if (view === "taggers") await taggers.open(named);
  else taggers.close();
}

function dropped(files) {
  if (!ui.catalogueview.hidden) catalogue.add(files);
  else if (!ui.taggersview.hidden && taggers.one.name && files.length) taggers.one.hear(files[0]);
  else if (files.length) {
    location.hash = "";
    listen.analyze(files[0]);
  }
}

const over = (is) => [ui.drop, ui.catdrop].forEach((box) => box.classList.toggle("over", is));
ui.file.addEventListener("change", () => { if (ui.file.files.length) listen.analyze(ui.file.files[0]); });
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => { event.preventDefault(); over(true); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) over(false); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  over(false);
  dropped([...event.dataTransfer.files]);
});
ui.model.addEventListener("change", () => {
  listen.describe();
  listen.again();
});
ui.quality.addEventListener("change", () => listen.again());
ui.unlock.addEventListener("submit", (event) => { event.preventDefault(); ui.key.blur(); });
ui.key.addEventListener("change", readServed);
addEventListener("hashchange", showView);
readState();
setInterval(readState, 5000);
readServed();
