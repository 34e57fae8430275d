// What the model kept of the track: its embedding decoded, to be compared with the track itself.
import { askSound, fromFile } from "/assets/api.js";
import { button, element, number, field, pick } from "/assets/dom.js";
import { canSonify } from "/assets/models.js";
import { playTrack, strongest } from "/assets/compare.js";
import { Player } from "/assets/player.js";
import { PlayButton, addressOf, forget } from "/assets/sound.js";
import { play } from "/assets/stage.js";
import { Task } from "/assets/task.js";

export class KeptCard {
  constructor() {
    Object.assign(this, pick("kept", "keptbox"));
    this.task = new Task();
    this.seed = number(0, 0, 2 ** 32 - 1);
    this.result = element("div", "result");
    const start = button("", "Let me hear it", () => this.make());
    this.keptbox.replaceChildren(element("div", "options", field("Seed", this.seed), start), this.task.box, this.result);
  }

  show(context) {
    this.context = context;
    this.kept.hidden = !canSonify(context.model);
    this.clear();
  }

  hide() {
    this.kept.hidden = true;
    this.clear();
  }

  clear() {
    this.task.abort();
    if (this.blob) forget(this.blob);
    this.blob = null;
    this.result.replaceChildren();
  }

  async make() {
    const { file, model } = this.context;
    const target = `/v1/sonify?${new URLSearchParams({ model: model.name, seed: this.seed.value || "0" })}`;
    this.clear();
    const made = await this.task.run(async ({ signal, step }) => {
      step("Listening to the track, then decoding what was kept …");
      return askSound(target, { ...fromFile(file), signal }, (share) => step("Receiving the sound …", share));
    });
    if (made) this.present(made.blob);
  }

  present(blob) {
    this.blob = blob;
    const { context } = this;
    const span = strongest(context, "", context.result.tags[0].label);
    const player = new Player({ name: "What the model kept", load: async () => blob, file: "kept.wav" });
    player.offer(blob);
    const first = new PlayButton("your track", ({ playing }) => { playing(); return playTrack(context, span); }, "plain", "A: your track");
    const both = new PlayButton("both", async ({ holds, playing }) => {
      playing();
      if ((await playTrack(context, span)) && holds()) await play({ url: addressOf(blob) });
    }, "plain", "A, then B");
    this.result.replaceChildren(player.box, element("div", "options", first.button, player.again("B: what was kept"), both.button));
  }
}
