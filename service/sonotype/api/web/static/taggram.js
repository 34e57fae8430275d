// The taggram: tags over time on a canvas, in step with the player.

const ROW_REM = 1.6;
const STEP_S = 5;
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const channels = (hex) => [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));

export class Taggram {
  // `player` is the audio element; `onMove(scores | null)` hears the scores at the moment that plays.
  constructor(player) {
    this.player = player;
    this.onMove = () => {};
    for (const name of ["rows", "map", "canvas", "head", "tip", "axis"]) this[name] = document.getElementById(name);
    this.result = null;
    for (const kind of ["timeupdate", "seeked", "pause"]) player.addEventListener(kind, () => this.follow());
    player.addEventListener("play", () => this.glide());
    this.map.addEventListener("click", (event) => this.seek(this.timeAt(event)));
    this.map.addEventListener("pointermove", (event) => this.explain(event));
    this.map.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    this.map.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.map);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show(result, duration) {
    this.result = result;
    this.duration = duration;
    this.rows.replaceChildren(...result.timeline.labels.map((label) => {
      const row = document.createElement("li");
      row.textContent = label;
      return row;
    }));
    this.map.style.height = `${ROW_REM * result.timeline.labels.length}rem`;
    this.map.setAttribute("aria-valuemax", duration.toFixed(1));
    this.draw();
    this.drawAxis();
    this.follow();
  }

  // One rectangle per patch and tag; where patches overlap, a patch reaches to the start of the next.
  draw() {
    if (!this.result) return;
    const { starts_s: starts, scores, labels } = this.result.timeline;
    const scale = devicePixelRatio || 1;
    const [width, height] = [this.map.clientWidth * scale, this.map.clientHeight * scale];
    [this.canvas.width, this.canvas.height] = [width, height];
    const style = getComputedStyle(document.documentElement);
    const [low, high] = ["--heat-0", "--heat-1"].map((name) => channels(style.getPropertyValue(name).trim()));
    const context = this.canvas.getContext("2d");
    const tall = height / labels.length;
    scores.forEach((row, patch) => {
      const [left, right] = [this.x(starts[patch], width), this.x(this.endOf(patch), width)];
      row.forEach((score, tag) => {
        // the square root lets faint tags be seen
        const mix = low.map((from, index) => Math.round(from + (high[index] - from) * Math.sqrt(score)));
        context.fillStyle = `rgb(${mix})`;
        context.fillRect(left, Math.round(tag * tall), Math.max(1, right - left), Math.ceil(tall) - scale);
      });
    });
  }

  drawAxis() {
    const step = [5, 10, 15, 30, 60, 120, 300, 600, 1200].find((each) => this.duration / each <= 8) || 3600;
    const marks = [];
    for (let time = 0; time <= this.duration; time += step) {
      const mark = document.createElement("span");
      mark.textContent = clock(time);
      mark.style.left = `${(100 * time) / this.duration}%`;
      marks.push(mark);
    }
    this.axis.replaceChildren(...marks);
  }

  follow() {
    if (!this.result) return;
    const time = Math.min(this.player.currentTime, this.duration);
    this.head.style.left = `${(100 * time) / this.duration}%`;
    this.map.setAttribute("aria-valuenow", time.toFixed(1));
    this.map.setAttribute("aria-valuetext", clock(time));
    const idle = this.player.paused && time === 0;
    this.onMove(idle ? null : this.result.timeline.scores[this.patchAt(time)]);
  }

  // Between the player's few events the head moves with every frame.
  glide() {
    if (this.player.paused || !this.result) return;
    this.head.style.left = `${(100 * Math.min(this.player.currentTime, this.duration)) / this.duration}%`;
    requestAnimationFrame(() => this.glide());
  }

  explain(event) {
    if (!this.result) return;
    const { labels, scores } = this.result.timeline;
    const box = this.map.getBoundingClientRect();
    const tag = Math.min(labels.length - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * labels.length)));
    const time = this.timeAt(event);
    this.tip.textContent = `${clock(time)} ${labels[tag]} ${(100 * scores[this.patchAt(time)][tag]).toFixed(1)} %`;
    this.tip.hidden = false;
    this.tip.style.left = `${Math.min(event.clientX - box.left, box.width - this.tip.offsetWidth)}px`;
  }

  key(event) {
    const moves = { ArrowLeft: -STEP_S, ArrowDown: -STEP_S, ArrowRight: STEP_S, ArrowUp: STEP_S };
    if (event.key in moves) this.seek(this.player.currentTime + moves[event.key]);
    else if (event.key === "Home") this.seek(0);
    else if (event.key === "End") this.seek(this.duration);
    else if (event.key === " ") this.player.paused ? this.player.play() : this.player.pause();
    else return;
    event.preventDefault();
  }

  seek(time) {
    this.player.currentTime = Math.max(0, Math.min(time, this.duration));
    this.follow();
  }

  timeAt(event) {
    const box = this.map.getBoundingClientRect();
    return (Math.max(0, Math.min(event.clientX - box.left, box.width)) / box.width) * this.duration;
  }

  x(time, width) {
    return Math.round((Math.min(time, this.duration) / this.duration) * width);
  }

  endOf(patch) {
    const { starts_s: starts } = this.result.timeline;
    return patch + 1 < starts.length ? starts[patch + 1] : starts[patch] + this.result.patches.length_s;
  }

  patchAt(time) {
    const { starts_s: starts } = this.result.timeline;
    let patch = 0;
    while (patch + 1 < starts.length && starts[patch + 1] <= time) patch += 1;
    return patch;
  }
}
