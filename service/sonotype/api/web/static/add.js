// Adding files to the catalogue: one after the other, each with its own progress and its own words.
import { upload } from "/assets/api.js";
import { element, field, pick } from "/assets/dom.js";
import { Task } from "/assets/task.js";
import { titleOf, trackLink } from "/assets/tracks.js";

const LONGEST = 512;
const titleFrom = (name) => name.replace(/\.[A-Za-z0-9]{1,5}$/, "").slice(0, LONGEST);

export class Adder {
  // `onAdded()` hears when the files are through.
  constructor(onAdded) {
    Object.assign(this, pick("catdrop", "catfiles", "addbox", "added"));
    this.onAdded = onAdded;
    this.queue = [];
    this.collection = Object.assign(element("input"), { value: "default", maxLength: 64, pattern: "[A-Za-z0-9._\\-]+", spellcheck: false });
    this.artist = Object.assign(element("input"), { maxLength: LONGEST, placeholder: "unknown" });
    this.addbox.replaceChildren(field("Collection", this.collection), field("Artist", this.artist));
    this.catfiles.addEventListener("change", () => {
      this.add([...this.catfiles.files]);
      this.catfiles.value = "";
    });
  }

  async add(files) {
    const idle = this.queue.length === 0;
    for (const file of files) this.queue.push(this.line(file));
    if (!idle) return;
    while (this.queue.length) {
      await this.send(this.queue[0]);
      this.queue.shift();
    }
    this.onAdded();
  }

  line(file) {
    const line = { file, task: new Task(), outcome: element("span", "quiet", "waiting") };
    const query = new URLSearchParams({ title: titleFrom(file.name), collection: this.collection.value || "default" });
    if (this.artist.value) query.append("artist", this.artist.value);
    line.target = `/v1/tracks?${query}`;
    this.added.prepend(element("li", "trackrow", element("div", "who", element("strong", "", file.name), line.outcome), line.task.box));
    return line;
  }

  async send({ file, task, target, outcome }) {
    outcome.textContent = "";
    const stored = await task.run((way) => upload(target, file, way));
    if (!stored) {
      outcome.textContent = task.error.hidden ? "given up" : "not added";
      return;
    }
    const link = element("a", "", titleOf(stored.body));
    link.href = trackLink(stored.body.id);
    outcome.replaceChildren(stored.status === 201 ? "added as " : "was there already, now up to date: ", link);
  }
}
