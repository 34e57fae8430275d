// Tracks in an order: the way from one to another, and a list to listen to.
import { ask, askJson, fromJson } from "/assets/api.js";
import { button, choices, element, field, number } from "/assets/dom.js";
import { matchRow } from "/assets/similar.js";
import { addressOf, forget } from "/assets/sound.js";
import { Task } from "/assets/task.js";
import { count, seen, titleOf, trackUrl } from "/assets/tracks.js";

// What both have: a button, a task, and an answer as a numbered list.
class Ordered {
  constructor(box, fields, verb, work) {
    this.task = new Task();
    this.note = element("p", "quiet");
    this.list = element("ol", "list numbered");
    this.go = button("plain", verb, work);
    this.save = element("p", "options");
    box.replaceChildren(element("div", "options", ...fields, this.go), this.task.box, this.note, this.list, this.save);
  }

  clear() {
    this.task.abort();
    this.note.textContent = "";
    this.list.replaceChildren();
    this.save.replaceChildren();
  }

  show({ matches, short_because: short }, reference) {
    this.note.textContent = short || "";
    this.list.replaceChildren(...matches.map((match, index) => matchRow(match, reference(matches, index))));
  }
}

export class TrackPath extends Ordered {
  constructor(box) {
    const to = element("select");
    const steps = number(8, 2, 100);
    super(box, [field("To", to), field("Tracks", steps)], "Find a path", () => this.find());
    Object.assign(this, { to, steps });
    // what there is to choose from grows while the page is used
    to.addEventListener("focus", () => this.fill());
  }

  offer(id) {
    this.clear();
    this.id = id;
    this.fill();
  }

  fill() {
    const others = [...seen.values()].filter(({ id }) => id !== this.id);
    const named = others.map((track) => [track.id, [titleOf(track), track.metadata.artist].filter(Boolean).join(", ").slice(0, 80)]);
    choices(this.to, named.sort(([, a], [, b]) => a.localeCompare(b)));
    this.go.disabled = named.length === 0;
  }

  async find() {
    this.clear();
    const found = await this.task.run(({ signal, step }) => {
      step("Looking for a way …");
      const query = new URLSearchParams({ count: this.steps.value || "8" });
      return askJson(`${trackUrl(this.id)}/path/${encodeURIComponent(this.to.value)}?${query}`, { signal });
    });
    // each step is compared with the one before
    if (found) this.show(found, (matches, index) => (index ? matches[index - 1].track.id : null));
  }
}

export class Playlist extends Ordered {
  // `seeds()` are what the list is about.
  constructor(box, seeds) {
    const most = number(15, 1, 500);
    const order = choices(element("select"), [["smooth", "smooth"], ["similarity", "best first"], ["random", "random"]]);
    super(box, [field("Tracks", most), field("Order", order)], "Make a playlist", () => this.make());
    Object.assign(this, { seeds, most, order });
  }

  clear() {
    if (this.blob) forget(this.blob);
    this.blob = null;
    super.clear();
  }

  async make() {
    this.clear();
    const body = { seeds: this.seeds(), count: Number(this.most.value || 15), order: this.order.value };
    const found = await this.task.run(async ({ signal, step }) => {
      step("Making the list …");
      const list = await askJson("/v1/playlists", { ...fromJson(body), signal });
      return { list, blob: await (await ask("/v1/playlists?format=m3u8", { ...fromJson(body), signal })).blob() };
    });
    if (!found) return;
    this.show(found.list, (matches, index) => (index ? matches[index - 1].track.id : null));
    this.offer(found.blob, found.list.matches.length);
  }

  offer(blob, n) {
    this.blob = blob;
    const link = element("a", "plain small button", "Download M3U8");
    Object.assign(link, { download: "playlist.m3u8", href: addressOf(blob) });
    this.save.replaceChildren(link, element("span", "quiet", count(n, "track")));
  }
}
