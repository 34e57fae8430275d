// A sound with a play button, and its spectrogram on demand.
import { button, element, notice, onScheme } from "/assets/dom.js";
import { PlayButton, addressOf } from "/assets/sound.js";
import { decode, paint } from "/assets/spectrogram.js";
import { play } from "/assets/stage.js";

// asked of the canvases that are shown, so that a player that was replaced is not kept for it
onScheme(() => document.querySelectorAll(".picture canvas").forEach((canvas) => canvas.dispatchEvent(new Event("repaint"))));

export class Player {
  // `load()` comes to a blob; `title` is shown instead of the name; `marks` are seconds that divide the spectrogram.
  constructor({ name, title = name, note = null, load, file = null, marks = [] }) {
    Object.assign(this, { name, load, marks, onTime: () => {} });
    this.play = new PlayButton(name, (turn, from) => this.perform(turn, from));
    this.toggle = button("plain small", "Spectrogram", () => this.show(this.figure.hidden));
    this.toggle.setAttribute("aria-expanded", "false");
    this.save = file ? element("a", "plain small button", "Download") : null;
    if (this.save) this.save.download = file;
    this.figure = this.makeFigure();
    const what = element("div", "what", element("strong", "", title), note ? element("span", "quiet", note) : null);
    this.box = element("div", "player", this.play.button, what, element("div", "acts", this.toggle, this.save), this.figure);
  }

  makeFigure() {
    this.canvas = element("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `Spectrogram of ${this.name}`);
    this.canvas.addEventListener("click", ({ offsetX }) => this.from((offsetX / this.canvas.clientWidth) * this.seconds));
    this.head = element("div", "head");
    this.caption = element("figcaption", "quiet");
    const figure = element("figure", "spectrogram", element("div", "picture", this.canvas, this.head), this.caption);
    figure.hidden = true;
    this.canvas.addEventListener("repaint", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    return figure;
  }

  async perform({ holds, playing }, from = 0) {
    const url = addressOf(await this.load());
    if (!holds()) return;
    playing();
    await play({ url, from }, (time) => this.hear(time));
    this.hear(null);
  }

  // Play from here, whether or not it plays already.
  from(seconds) {
    this.play.set("");
    this.play.press(seconds);
  }

  // Another button for the same sound, with words on it.
  again(text) {
    return new PlayButton(this.name, (turn) => this.perform(turn), "plain", text).button;
  }

  hear(time) {
    if (this.seconds) this.head.style.left = `${(100 * Math.min(time || 0, this.seconds)) / this.seconds}%`;
    this.onTime(time);
  }

  async show(open) {
    this.figure.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
    if (!open || this.samples) return;
    this.caption.textContent = "Reading the sound …";
    try {
      Object.assign(this, await decode(await this.load()));
    } catch (error) {
      this.figure.hidden = true;
      notice(error.name === "EncodingError" ? "The browser cannot decode this sound." : error.message);
      return;
    }
    this.caption.textContent = `60 Hz to 8 kHz from bottom to top, ${this.seconds.toFixed(1)} s, 70 dB`;
    this.canvas.parentElement.append(...this.marks.map((mark) => {
      const line = element("div", "divide");
      line.style.left = `${(100 * mark) / this.seconds}%`;
      return line;
    }));
    this.draw();
  }

  draw() {
    if (this.samples && !this.figure.hidden) paint(this.canvas, this.samples);
  }

  offer(blob) {
    if (this.save) this.save.href = addressOf(blob);
  }
}
