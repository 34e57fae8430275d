// The catalogue: its state, its tracks, one of them, a query of several, and jobs.
import { askJson, fromJson } from "/assets/api.js";
import { Adder } from "/assets/add.js";
import { element, pick } from "/assets/dom.js";
import { Jobs } from "/assets/jobs.js";
import { Playlist } from "/assets/ordered.js";
import { Similar } from "/assets/similar.js";
import { Task } from "/assets/task.js";
import { TrackPanel } from "/assets/track.js";
import { count, row, seen } from "/assets/tracks.js";
import { tray } from "/assets/tray.js";

const PAGE = 25;
const FILTERS = { collection: "bycollection", artist: "byartist", tag: "bytag", label: "bylabel" };

export class Catalogue {
  constructor() {
    Object.assign(this, pick("catstate", "catwarn", "generations", "generationbox", "trackfilters", "tracklist", "tracktotal", "trackmore", "listtask", "traybox", "trayplay",
      "bycollection", "byartist", "bytag", "bylabel"));
    this.task = new Task();
    this.listtask.append(this.task.box);
    this.panel = new TrackPanel(() => this.gone());
    this.adder = new Adder(() => this.refresh());
    this.jobs = new Jobs(() => this.refresh());
    this.similar = new Similar(this.traybox, (knobs, { signal }) => this.mixed(knobs, signal), () => firstTrack());
    this.playlist = new Playlist(this.trayplay, () => tray.asked());
    tray.onChange = () => this.query();
    this.trackfilters.addEventListener("change", () => this.load());
    this.trackfilters.addEventListener("submit", (event) => { event.preventDefault(); this.load(); });
    this.trackmore.addEventListener("click", () => this.more());
  }

  // Show the catalogue, and one track of it where it is named.
  async open(id = "") {
    const opening = id ? this.panel.open(id) : this.panel.close();
    if (!this.isOpen) {
      const state = await this.refresh();
      this.isOpen = Boolean(state);
      if (state) this.jobs.open(state);
    }
    await opening;
  }

  close() {
    this.isOpen = false;
    this.jobs.close();
  }

  // The state, and the list from its start.
  async refresh() {
    const state = await this.task.run(({ signal }) => askJson("/v1/catalog", { signal }));
    if (!state) {
      this.catstate.textContent = "The catalogue does not answer.";
      return undefined;
    }
    this.say(state);
    await this.load();
    return state;
  }

  say({ tracks, stale, generations, writable, bytes, engine }) {
    const current = generations.find((each) => each.current);
    this.catstate.textContent = [
      count(tracks, "track"), stale ? `${stale.toLocaleString("en")} stale` : null,
      current ? `searching ${current.name}` : "nothing to search yet", `engine ${engine}`, bytes === null ? null : sizeOf(bytes),
    ].filter(Boolean).join(" · ");
    const warnings = [
      current && current.degraded && `Degraded: ${current.degraded}. Searches are exact and slower.`,
      !writable && "The disk is too full: nothing can be added.",
      stale && `${count(stale, "track has", "tracks have")} no vector by the configured model and cannot be found as similar.`,
    ];
    this.catwarn.replaceChildren(...warnings.filter(Boolean).map((text) => element("li", "", text)));
    this.generationbox.hidden = generations.length === 0;
    this.generations.replaceChildren(...generations.map(generationRow));
  }

  filters() {
    const query = new URLSearchParams({ limit: PAGE });
    for (const [name, id] of Object.entries(FILTERS)) if (this[id].value.trim()) query.append(name, this[id].value.trim());
    return query;
  }

  async load() {
    this.cursor = null;
    const page = await this.read();
    if (!page) return;
    this.tracklist.replaceChildren();
    this.take(page);
  }

  async more() {
    const page = await this.read();
    if (page) this.take(page);
  }

  read() {
    const query = this.filters();
    if (this.cursor) query.append("cursor", this.cursor);
    return this.task.run(({ signal }) => askJson(`/v1/tracks?${query}`, { signal }));
  }

  take({ tracks, cursor }) {
    this.tracklist.append(...tracks.map(row));
    this.cursor = cursor;
    this.trackmore.hidden = !cursor;
    const n = this.tracklist.children.length;
    this.tracktotal.textContent = n ? `${count(n, "track")} shown${cursor ? ", there are more" : ""}` : "No track fits. Drop files above to add some.";
  }

  gone() {
    location.hash = "#catalogue";
    this.refresh();
  }

  add(files) {
    location.hash = "#catalogue";
    this.adder.add(files);
  }

  // Ask anew whenever the tray has changed.
  query() {
    this.playlist.clear();
    this.playlist.go.disabled = !tray.askable;
    if (tray.askable) this.similar.find();
    else {
      this.similar.clear();
      if (tray.asked().length) this.similar.note.textContent = "Something must be liked: give at least one a weight above zero.";
    }
  }

  mixed({ k, diversity, hubness, ...constraints }, signal) {
    return askJson("/v1/similar", { ...fromJson({ seeds: tray.asked(), k, diversity, hubness, constraints }), signal });
  }
}

const sizeOf = (bytes) => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);

// what the reasons of a mixed query are told against
function firstTrack() {
  const first = tray.asked().find(({ track, weight }) => track && weight > 0);
  return first && seen.has(first.track) ? first.track : null;
}

function generationRow({ name, state, tracks, dim, current, degraded }) {
  return element("li", "who", element("strong", "", name), element("span", "quiet",
    [count(tracks, "track"), `${dim} dimensions`, state, current ? "searches go here" : null, degraded].filter(Boolean).join(" · ")));
}
