// One job in a row: its state as the service tells it, live until it ends.
import { Refusal, askJson } from "/assets/api.js";
import { button, element } from "/assets/dom.js";
import { follow } from "/assets/events.js";
import { Task } from "/assets/task.js";
import { count, trackLink } from "/assets/tracks.js";

const AGAIN_MS = 2000;
const PILLS = {
  queued: ["", "waiting"], running: ["", "running"], completed: ["good", "completed"], completed_with_errors: ["fair", "completed with errors"],
  failed: ["poor", "failed"], cancelled: ["", "cancelled"],
};
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

export class JobRow {
  // `onEnded()` hears that it ended while it was watched.
  constructor(job, onEnded) {
    Object.assign(this, { onEnded, watching: new AbortController(), task: new Task() });
    this.url = `/v1/jobs/${encodeURIComponent(job.id)}`;
    this.state = element("span", "pill");
    this.bar = Object.assign(element("progress"), { max: 1 });
    this.counts = element("p", "quiet");
    this.cancel = button("plain small", "Cancel", () => this.task.run(() => askJson(`${this.url}/cancel`, { method: "POST" }).then((told) => this.show(told))));
    this.cancel.setAttribute("aria-label", `Cancel the job ${nameOf(job)}`);
    this.files = element("ul", "list files");
    this.files.hidden = true;
    this.problems = button("plain small", "Problems", () => this.showFiles());
    this.problems.setAttribute("aria-expanded", "false");
    this.bar.setAttribute("aria-label", "Progress of the job");
    this.box = element("li", "job", element("div", "top", element("strong", "", nameOf(job)), this.state, element("span", "quiet", new Date(job.created_at).toLocaleString())),
      this.bar, this.counts, element("div", "acts", this.cancel, this.problems), this.task.box, this.files);
    this.show(job);
    if (!job.final) this.watch();
  }

  show(job) {
    const [className, text] = PILLS[job.state] || ["", job.state];
    this.state.className = `pill ${className}`;
    this.state.textContent = text;
    if (job.total === null) this.bar.removeAttribute("value");
    else this.bar.value = job.total ? job.done / job.total : 1;
    this.bar.hidden = job.final;
    this.cancel.hidden = job.final;
    this.problems.hidden = job.counts.failed + job.counts.skipped === 0;
    this.counts.textContent = say(job);
    this.final = job.final;
  }

  // The events of the service; where they break off, they are asked for again.
  async watch() {
    const { signal } = this.watching;
    while (!this.final && !signal.aborted) {
      try {
        await follow(`${this.url}/events`, signal, (job) => this.show(job));
      } catch (error) {
        if (error.name === "AbortError") return;
        this.counts.textContent = error instanceof Refusal ? error.message : `The page has a defect: ${error.message}`;
      }
      if (!this.final) await pause(AGAIN_MS);
    }
    if (!signal.aborted) this.onEnded();
  }

  async showFiles() {
    this.files.hidden = !this.files.hidden;
    this.problems.setAttribute("aria-expanded", String(!this.files.hidden));
    if (this.files.hidden) return;
    const lists = await this.task.run(({ signal }) => Promise.all(["failed", "skipped"].map((state) => askJson(`${this.url}/files?state=${state}&limit=50`, { signal }))));
    if (!lists) return;
    const more = lists.some(({ cursor }) => cursor) ? [element("li", "quiet", "… and more, in the API")] : [];
    this.files.replaceChildren(...lists.flatMap(({ files }) => files.map(fileRow)), ...more);
  }

  leave() {
    this.watching.abort();
  }
}

const nameOf = ({ kind, path, collection }) => (kind === "ingest" ? `Ingest ${path || "everything"} into ${collection}` : "Embed tracks anew");

function say({ total, done, counts, error }) {
  const told = Object.entries(counts).filter(([state, n]) => n && state !== "pending").map(([state, n]) => `${n.toLocaleString("en")} ${state}`);
  const of = total === null ? "looking for files" : `${done.toLocaleString("en")} of ${count(total, "file")}`;
  return [of, ...told, error].filter(Boolean).join(" · ");
}

function fileRow({ path, track, detail, code }) {
  const name = element(track ? "a" : "strong", "", path);
  if (track) name.href = trackLink(track);
  return element("li", "who", name, element("span", "quiet", `${detail || ""}${code ? ` (${code})` : ""}`));
}
