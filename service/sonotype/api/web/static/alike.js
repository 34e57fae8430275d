// What the catalogue holds that is similar to the track that was just analysed.
import { askJson, upload } from "/assets/api.js";
import { button, pick } from "/assets/dom.js";
import { Similar } from "/assets/similar.js";
import { count } from "/assets/tracks.js";

export class Alike {
  // `onKeep(file)` hears that a file should go into the catalogue.
  constructor(onKeep) {
    Object.assign(this, pick("alike", "alikenote", "alikeacts", "alikebox"), { onKeep });
    this.similar = new Similar(this.alikebox, (knobs, way) => this.ask(knobs, way));
  }

  // Offer the question where there is something to find. That the catalogue does not answer is no matter of this track.
  async offer(file) {
    this.hide();
    this.file = file;
    const state = await askJson("/v1/catalog").catch(() => null);
    if (this.file !== file || !state || !state.tracks) return;
    this.alikenote.textContent = `Compared with the ${count(state.tracks, "track")} of your catalogue. The audio is analysed, not kept.`;
    this.alikeacts.replaceChildren(button("", "Find similar tracks", () => this.find()),
      button("plain", "Add this track to the catalogue", () => this.onKeep(file)));
    this.alike.hidden = false;
  }

  async find() {
    this.alikebox.hidden = false;
    await this.similar.find();
  }

  async ask(knobs, way) {
    const { body } = await upload(`/v1/similar?${new URLSearchParams(knobs)}`, this.file, way);
    return body;
  }

  hide() {
    this.file = null;
    this.alike.hidden = true;
    this.alikebox.hidden = true;
    this.similar.clear();
  }
}
