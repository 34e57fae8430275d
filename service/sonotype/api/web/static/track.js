// One track of the catalogue: what is known of it, what the models heard in it, and what is near it.
import { ask, askJson } from "/assets/api.js";
import { button, clock, element, percent, pick, signed } from "/assets/dom.js";
import { Playlist, TrackPath } from "/assets/ordered.js";
import { Similar } from "/assets/similar.js";
import { Task } from "/assets/task.js";
import { bySay, chips, seen, titleOf, trackUrl, trackWeights } from "/assets/tracks.js";
import { bar, prototypeRow, prototypesOf } from "/assets/why.js";

const [LABELS, PROTOTYPES] = [10, 8];

export class TrackPanel {
  // `onGone()` hears that the track was deleted.
  constructor(onGone) {
    Object.assign(this, pick("trackpanel", "trackname", "trackby", "trackacts", "trackknown", "trackfacts", "tracktags", "tracktask", "heard", "heardlabels", "heardreasons", "heardproto",
      "nearbox", "pathbox", "listbox", "trackrest"));
    this.onGone = onGone;
    this.task = new Task();
    this.tracktask.append(this.task.box);
    this.similar = new Similar(this.nearbox, (knobs, { signal }) => askJson(`${trackUrl(this.id)}/similar?${new URLSearchParams(knobs)}`, { signal }), () => this.id);
    this.path = new TrackPath(this.pathbox);
    this.playlist = new Playlist(this.listbox, () => [{ track: this.id }]);
  }

  async open(id) {
    this.trackpanel.hidden = false;
    if (this.id === id) return;
    this.id = id;
    for (const part of [this.similar, this.path, this.playlist]) part.clear();
    for (const part of [this.trackrest, this.trackknown, this.tracktags, this.trackacts]) part.hidden = true;
    this.trackname.textContent = id;
    this.trackby.textContent = "";
    const track = await this.task.run(({ signal, step }) => {
      step("Reading the track …");
      return askJson(trackUrl(id), { signal });
    });
    if (!track) {
      if (this.id === id) this.id = null;
      return;
    }
    await this.show(track);
  }

  close() {
    this.trackpanel.hidden = true;
    this.id = null;
    this.task.abort();
    this.similar.clear();
  }

  async show(track) {
    seen.set(track.id, track);
    for (const part of [this.trackrest, this.trackknown, this.tracktags, this.trackacts]) part.hidden = false;
    this.trackname.textContent = titleOf(track);
    this.trackby.textContent = bySay(track);
    this.trackacts.replaceChildren(trackWeights(track), button("plain small", "Delete …", () => this.confirm(track)));
    this.trackfacts.replaceChildren(...facts(track));
    this.tracktags.replaceChildren(chips(track.metadata.tags));
    this.path.offer(track.id);
    this.trackname.focus({ preventScroll: true });
    this.trackpanel.scrollIntoView({ block: "start" });
    await Promise.all([this.similar.find(), this.task.run(() => this.hear(track))]);
  }

  async hear({ labels, evidence }) {
    this.heard.hidden = !labels.length && !evidence.length;
    this.heardlabels.replaceChildren(...labels.slice(0, LABELS).map(({ label, model, score }) =>
      element("li", "trackrow", element("div", "who", element("strong", "", label), element("span", "quiet", model)), bar(score, percent(score, 0)))));
    this.heardreasons.hidden = !evidence.length;
    const summaries = await prototypesOf(evidence);
    const largest = Math.max(1e-9, ...evidence.map(({ share }) => Math.abs(share)));
    this.heardproto.replaceChildren(...evidence.slice(0, PROTOTYPES).map((each) =>
      prototypeRow(summaries, each, `evidence ${signed(each.share, 2)}`, each.share / largest)));
  }

  // Deleting is for good, so it is asked again, in place.
  confirm(track) {
    const before = [...this.trackacts.childNodes];
    const keep = button("plain small", "Keep it", () => {
      this.trackacts.replaceChildren(...before);
      before[before.length - 1].focus();
    });
    this.trackacts.replaceChildren(element("span", "", `Delete “${titleOf(track).slice(0, 60)}” from the catalogue for good? `),
      button("small danger", "Delete", () => this.remove(track.id)), keep);
    keep.focus();
  }

  async remove(id) {
    const gone = await this.task.run(({ signal, step }) => {
      step("Deleting …");
      return ask(trackUrl(id), { method: "DELETE", signal });
    });
    if (!gone) return;
    seen.delete(id);
    this.onGone(id);
  }
}

function facts({ id, metadata, content_sha256: sha256, source, generations, created_at: created, updated_at: updated }) {
  const day = (moment) => new Date(moment).toLocaleString();
  const told = {
    Id: id, Collection: metadata.collection, Artist: metadata.artist, Album: metadata.album, Year: metadata.year,
    Duration: metadata.duration_s === null ? null : `${clock(metadata.duration_s)} (${metadata.duration_s.toFixed(1)} s)`,
    Tempo: metadata.tempo_bpm === null ? null : `${metadata.tempo_bpm} BPM`, MBID: metadata.mbid, ISRC: metadata.isrc, "External id": metadata.external_id,
    More: Object.keys(metadata.extra).length ? JSON.stringify(metadata.extra) : null, File: source, "SHA-256": sha256,
    Embeddings: generations.join(", ") || "none", Added: day(created), Changed: updated === created ? null : day(updated),
  };
  return Object.entries(told).filter(([, text]) => text !== null && text !== "")
    .flatMap(([name, text]) => [element("dt", "", name), element("dd", "", String(text))]);
}
