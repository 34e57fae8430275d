// Sounds of the service: fetched once, with the key, and played by a button.
import { askSound } from "/assets/api.js";
import { button, notice } from "/assets/dom.js";
import { claim, holds, play } from "/assets/stage.js";

const fetched = new Map();

// The sound at an address of the service, as a blob.
export function soundAt(address) {
  if (!fetched.has(address)) {
    const coming = askSound(address).then(({ blob }) => blob);
    coming.catch(() => fetched.delete(address));
    fetched.set(address, coming);
  }
  return fetched.get(address);
}

const addresses = new WeakMap();
export function addressOf(blob) {
  if (!addresses.has(blob)) addresses.set(blob, URL.createObjectURL(blob));
  return addresses.get(blob);
}

export function forget(blob) {
  if (addresses.has(blob)) URL.revokeObjectURL(addresses.get(blob));
  addresses.delete(blob);
}

// A button that plays what `perform` plays, and stops it when it is pressed again.
export class PlayButton {
  constructor(name, perform, className = "play", text = "") {
    this.name = name;
    this.text = text;
    this.perform = perform;
    this.button = button(className, text, () => this.press());
    this.set("");
  }

  async press(...rest) {
    const claimed = claim();
    if (this.button.dataset.state) return;
    this.turn = claimed;
    this.set("loading");
    try {
      await this.perform({ holds: () => holds(claimed), playing: () => this.set("playing") }, ...rest);
    } catch (error) {
      notice(error.message);
    }
    if (this.turn === claimed) this.set("");
  }

  set(state) {
    this.button.dataset.state = state;
    if (!this.text) this.button.setAttribute("aria-label", `${state ? "Stop" : "Play"} ${this.name}`);
    this.button.setAttribute("aria-busy", String(state === "loading"));
  }
}

// The small button for one address of the service.
export function playButton(name, address) {
  const made = new PlayButton(name, async ({ holds: still, playing }) => {
    const url = addressOf(await soundAt(address));
    if (!still()) return;
    playing();
    await play({ url });
  });
  made.button.title = made.button.getAttribute("aria-label");
  return made.button;
}
