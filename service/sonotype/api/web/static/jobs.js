// Jobs: what the service works on by itself, how far it is, and what became of the files.
import { askJson, fromJson } from "/assets/api.js";
import { button, element, field, pick } from "/assets/dom.js";
import { JobRow } from "/assets/job.js";
import { Task } from "/assets/task.js";

const PAGE = 10;

export class Jobs {
  // `onEnded()` hears that a job came to its end.
  constructor(onEnded) {
    Object.assign(this, pick("jobsbox", "jobform", "jobtask", "jobmore", "jobnote"));
    this.onEnded = onEnded;
    this.rows = new Map();
    this.task = new Task();
    this.jobtask.append(this.task.box);
    this.path = Object.assign(element("input"), { placeholder: "everything", maxLength: 8192, spellcheck: false });
    this.collection = Object.assign(element("input"), { value: "default", maxLength: 64, spellcheck: false });
    this.reembed = button("plain", "Embed stale tracks anew", () => this.start({ kind: "reembed" }));
    this.jobform.replaceChildren(field("Path below the ingest root", this.path), field("Collection", this.collection),
      button("", "Ingest", () => this.start({ kind: "ingest", path: this.path.value, collection: this.collection.value || "default" })), this.reembed);
    this.jobmore.addEventListener("click", () => this.page());
  }

  // `takes`: whether the service takes jobs at all; `stale`: tracks that a job would embed anew.
  async open({ takes_jobs: takes, stale }) {
    this.jobform.hidden = !takes;
    this.jobnote.textContent = takes
      ? "Whole folders, playlists and manifests that the service works through by itself, below its ingest root."
      : "This service takes no jobs: it was started without an ingest root.";
    this.reembed.hidden = !stale;
    this.cursor = null;
    const known = await this.task.run(({ signal }) => askJson(`/v1/jobs?limit=${PAGE}`, { signal }));
    if (known) this.take(known, true);
  }

  async page() {
    const more = await this.task.run(({ signal }) => askJson(`/v1/jobs?${new URLSearchParams({ limit: PAGE, cursor: this.cursor })}`, { signal }));
    if (more) this.take(more);
  }

  take({ jobs, cursor }, anew = false) {
    if (anew) {
      this.close();
      this.jobsbox.replaceChildren();
    }
    for (const job of jobs) this.jobsbox.append(this.row(job));
    this.cursor = cursor;
    this.jobmore.hidden = !cursor;
    this.jobsbox.classList.toggle("none", this.rows.size === 0);
  }

  row(job) {
    const made = new JobRow(job, () => this.onEnded());
    this.rows.set(job.id, made);
    return made.box;
  }

  async start(body) {
    const job = await this.task.run(async ({ signal, step }) => {
      step("Starting …");
      return askJson("/v1/jobs", { ...fromJson(body), signal });
    });
    if (job) {
      this.jobsbox.prepend(this.row(job));
      this.jobsbox.classList.remove("none");
    }
  }

  // Stop to watch; the jobs themselves go on.
  close() {
    for (const row of this.rows.values()) row.leave();
    this.rows.clear();
  }
}
