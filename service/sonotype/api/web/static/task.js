// Something that takes a while: says how far it is, can be cancelled, and says in words what went wrong.
import { Refusal } from "/assets/api.js";
import { button, element } from "/assets/dom.js";

export class Task {
  constructor() {
    this.text = element("p", "told");
    this.text.setAttribute("role", "status");
    this.bar = Object.assign(element("progress"), { max: 1 });
    this.bar.setAttribute("aria-label", "Progress");
    this.cancel = button("plain", "Cancel", () => this.abort());
    this.work = element("div", "work", this.text, this.bar, this.cancel);
    this.error = element("p", "error");
    this.error.setAttribute("role", "alert");
    this.box = element("div", "task", this.work, this.error);
    this.running = null;
    this.idle();
    this.error.hidden = true;
  }

  // What `work({ signal, step })` comes to; undefined where it failed or was given up. A new task ends the one before.
  async run(work) {
    this.abort();
    const running = new AbortController();
    this.running = running;
    this.error.hidden = true;
    try {
      return await work({ signal: running.signal, step: (text, share) => this.running === running && this.step(text, share) });
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error instanceof Refusal ? error.message : `The page has a defect: ${error.message}`);
      return undefined;
    } finally {
      if (this.running === running) this.idle();
    }
  }

  step(text, share = null) {
    this.work.hidden = false;
    this.text.textContent = text;
    if (share === null) this.bar.removeAttribute("value");
    else this.bar.value = share;
  }

  fail(text) {
    this.error.textContent = text;
    this.error.hidden = false;
  }

  idle() {
    this.running = null;
    this.work.hidden = true;
  }

  abort() {
    if (this.running) this.running.abort();
    this.idle();
  }
}
