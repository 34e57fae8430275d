// Rows of cells over time on a canvas, in step with the player of the uploaded track.
import { clock, element, notice, onScheme } from "/assets/dom.js";
import { claim, track } from "/assets/stage.js";

const ROW_REM = 1.6;
const STEP_S = 5;

export class Timeline {
  // `box` is filled; subclasses say what a cell looks like (`shades`) and what it means (`say`).
  constructor(box, label) {
    this.shown = null;
    this.rows = element("ol", "rows");
    this.canvas = element("canvas");
    this.head = element("div", "head");
    this.tip = element("div", "tip");
    this.tip.hidden = true;
    this.map = element("div", "map", this.canvas, this.head, this.tip);
    this.axis = element("div", "axis");
    for (const [name, value] of Object.entries({ role: "slider", tabindex: 0, "aria-label": label, "aria-valuemin": 0 })) this.map.setAttribute(name, value);
    this.axis.setAttribute("aria-hidden", "true");
    box.replaceChildren(this.rows, this.map, this.axis);
    this.listen();
  }

  listen() {
    for (const kind of ["timeupdate", "seeked", "pause"]) track.addEventListener(kind, () => this.follow());
    track.addEventListener("play", () => this.glide());
    this.map.addEventListener("click", (event) => this.choose(this.timeAt(event)));
    this.map.addEventListener("pointermove", (event) => this.explain(event));
    this.map.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    this.map.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.map);
    onScheme(() => this.draw());
  }

  // Values by patch and row; `length` is that of a patch in seconds.
  present({ starts, length, duration, names, values }) {
    this.shown = { starts, length, duration, values };
    this.rows.replaceChildren(...names.map((name) => element("li", "", name)));
    this.map.style.height = `${ROW_REM * names.length}rem`;
    this.map.setAttribute("aria-valuemax", duration.toFixed(1));
    this.draw();
    this.drawAxis();
    this.follow();
  }

  // One rectangle per patch and row; where patches overlap, a patch reaches to the start of the next.
  draw() {
    if (!this.shown || !this.map.clientWidth) return;
    const { starts, values } = this.shown;
    const scale = devicePixelRatio || 1;
    const [width, height] = [this.map.clientWidth * scale, this.map.clientHeight * scale];
    [this.canvas.width, this.canvas.height] = [width, height];
    const shade = this.shades();
    const context = this.canvas.getContext("2d");
    const tall = height / values[0].length;
    values.forEach((cells, patch) => {
      const [left, right] = [this.x(starts[patch], width), this.x(this.endOf(patch), width)];
      cells.forEach((value, row) => {
        context.fillStyle = `rgb(${shade(value)})`;
        context.fillRect(left, Math.round(row * tall), Math.max(1, right - left), Math.ceil(tall) - scale);
      });
    });
  }

  drawAxis() {
    const { duration } = this.shown;
    const step = [5, 10, 15, 30, 60, 120, 300, 600, 1200].find((each) => duration / each <= 8) || 3600;
    const marks = [];
    for (let time = 0; time <= duration; time += step) {
      const mark = element("span", "", clock(time));
      mark.style.left = `${(100 * time) / duration}%`;
      marks.push(mark);
    }
    this.axis.replaceChildren(...marks);
  }

  follow() {
    if (!this.shown) return;
    const time = Math.min(track.currentTime, this.shown.duration);
    this.head.style.left = `${(100 * time) / this.shown.duration}%`;
    this.map.setAttribute("aria-valuenow", time.toFixed(1));
    this.map.setAttribute("aria-valuetext", clock(time));
  }

  // Between the player's few events the head moves with every frame.
  glide() {
    if (track.paused || !this.shown) return;
    this.head.style.left = `${(100 * Math.min(track.currentTime, this.shown.duration)) / this.shown.duration}%`;
    requestAnimationFrame(() => this.glide());
  }

  explain(event) {
    if (!this.shown) return;
    const { values } = this.shown;
    const box = this.map.getBoundingClientRect();
    const count = values[0].length;
    const row = Math.min(count - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * count)));
    const time = this.timeAt(event);
    this.tip.textContent = `${clock(time)} ${this.say(row, this.patchAt(time))}`;
    this.tip.hidden = false;
    this.tip.style.left = `${Math.max(0, Math.min(event.clientX - box.left, box.width - this.tip.offsetWidth))}px`;
  }

  key(event) {
    const moves = { ArrowLeft: -STEP_S, ArrowDown: -STEP_S, ArrowRight: STEP_S, ArrowUp: STEP_S };
    if (event.key in moves) this.seek(track.currentTime + moves[event.key]);
    else if (event.key === "Home") this.seek(0);
    else if (event.key === "End") this.seek(this.shown.duration);
    else if (event.key === " ") track.paused ? track.play() : track.pause();
    else return;
    event.preventDefault();
  }

  // The track plays from a place that was clicked.
  choose(time) {
    claim();
    this.seek(time);
    track.play().catch((error) => { if (error.name !== "AbortError") notice("The browser cannot play this track."); });
  }

  seek(time) {
    track.currentTime = Math.max(0, Math.min(time, this.shown.duration));
    this.follow();
  }

  timeAt(event) {
    const box = this.map.getBoundingClientRect();
    return (Math.max(0, Math.min(event.clientX - box.left, box.width)) / box.width) * this.shown.duration;
  }

  x(time, width) {
    return Math.round((Math.min(time, this.shown.duration) / this.shown.duration) * width);
  }

  endOf(patch) {
    const { starts, length } = this.shown;
    return patch + 1 < starts.length ? starts[patch + 1] : starts[patch] + length;
  }

  patchAt(time) {
    const { starts } = this.shown;
    let patch = 0;
    while (patch + 1 < starts.length && starts[patch + 1] <= time) patch += 1;
    return patch;
  }
}
