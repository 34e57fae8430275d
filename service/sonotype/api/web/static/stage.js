// One thing sounds at a time: the uploaded track in its own player, or a sound of the service.
import { byId } from "/assets/dom.js";

export const track = byId("player");
const speaker = new Audio();
let current = null;
let turn = 0;

track.addEventListener("play", () => { if (current && current.media !== track) stop(); });

export function stop() {
  if (current) current.end(false);
}

// Whoever means to play claims the stage first; after a wait `holds` says whether another came meanwhile.
export function claim() {
  stop();
  turn += 1;
  return turn;
}

export const holds = (claimed) => claimed === turn;

// Play `url`, or the uploaded track where there is none. Comes to whether it was heard to its end.
export function play({ url, from = 0, until = Infinity }, hear = () => {}) {
  stop();
  const media = url ? speaker : track;
  if (media !== track) track.pause();
  if (url && media.src !== url) media.src = url;
  media.currentTime = from;
  return new Promise((resolve, reject) => {
    const look = setInterval(() => {
      hear(media.currentTime);
      if (media.currentTime >= until) end(true);
    }, 40);
    const ended = () => end(true);
    // an earlier pause may be told only now
    const paused = () => { if (media.paused && !media.ended) end(false); };
    // ends once: a start that was given up says so late, when the next one may play already
    let over = false;
    function end(finished) {
      if (over) return;
      over = true;
      clearInterval(look);
      media.removeEventListener("ended", ended);
      media.removeEventListener("pause", paused);
      current = null;
      media.pause();
      resolve(finished);
    }
    media.addEventListener("ended", ended);
    media.addEventListener("pause", paused);
    current = { media, end };
    media.play().catch((error) => {
      if (error.name !== "AbortError") reject(new Error("The browser cannot play this sound."));
      end(false);
    });
  });
}
