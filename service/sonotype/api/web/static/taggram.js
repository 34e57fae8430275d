// The taggram: tags over time.
import { colour, mix, percent } from "/assets/dom.js";
import { track } from "/assets/stage.js";
import { Timeline } from "/assets/timeline.js";

export class Taggram extends Timeline {
  // `onMove(scores | null)` hears the scores at the moment that plays.
  constructor(box, onMove) {
    super(box, "Position in the track");
    this.onMove = onMove;
    this.rows.setAttribute("aria-hidden", "true");
  }

  show(result, duration) {
    const { labels, scores, starts_s: starts } = result.timeline;
    this.labels = labels;
    this.present({ starts, length: result.patches.length_s, duration, names: labels, values: scores });
  }

  shades() {
    const [low, high] = ["--heat-0", "--heat-1"].map(colour);
    // the square root lets faint tags be seen
    return (score) => mix(low, high, Math.sqrt(score));
  }

  say(row, patch) {
    return `${this.labels[row]} ${percent(this.shown.values[patch][row])}`;
  }

  follow() {
    super.follow();
    if (!this.shown) return;
    const idle = track.paused && track.currentTime === 0;
    this.onMove(idle ? null : this.shown.values[this.patchAt(track.currentTime)]);
  }
}
