// Tags while it sounds: a microphone or a file, sent to the service as raw samples, bars that follow.
import { key } from "/assets/api.js";
import { choices, clock, element, percent, pick } from "/assets/dom.js";
import { models } from "/assets/models.js";

const ui = pick("livemodel", "livehop", "livesmooth", "livesmoothed", "livemic", "livefile", "livestop", "livestate", "livefault", "livetags");
const MOST_WAITING = 1 << 20; // bytes that may wait for the network before sound is left out

export class Live {
  constructor() {
    ui.livemic.addEventListener("click", () => this.run((context) => this.microphone(context)));
    ui.livefile.addEventListener("change", () => {
      const [file] = ui.livefile.files;
      ui.livefile.value = "";
      if (file) this.run((context) => this.play(context, file));
    });
    ui.livestop.addEventListener("click", () => this.stop());
    ui.livesmooth.addEventListener("input", () => { ui.livesmoothed.textContent = `${ui.livesmooth.value} s`; });
  }

  open() {
    choices(ui.livemodel, models().filter(({ kind }) => kind !== "tagger").map(({ name, title }) => [name, title]));
    const usual = models().find((model) => model.default);
    if (usual && !this.chosen) ui.livemodel.value = usual.name;
    this.chosen = true;
  }

  // `begin(context)` gives the node that sounds; its samples go to the service until it ends or is stopped.
  async run(begin) {
    this.stop();
    ui.livefault.hidden = true;
    const context = new AudioContext();
    this.context = context;
    try {
      const node = await begin(context);
      await context.audioWorklet.addModule("/assets/tap.js");
      if (this.context !== context) return;
      this.connect(context, node);
    } catch (error) {
      this.fail(error.name === "NotAllowedError" ? "The browser was not allowed to use the microphone." : error.message);
    }
  }

  async microphone(context) {
    const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: raw });
    return context.createMediaStreamSource(this.stream);
  }

  async play(context, file) {
    this.say("Decoding …");
    const node = new AudioBufferSourceNode(context, { buffer: await context.decodeAudioData(await file.arrayBuffer()) });
    node.connect(context.destination);
    node.addEventListener("ended", () => { if (this.context === context) this.end(); });
    return node;
  }

  connect(context, node) {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/listen`);
    const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 0 });
    this.socket = socket;
    tap.port.onmessage = ({ data }) => {
      if (socket.readyState === WebSocket.OPEN && this.ready && socket.bufferedAmount < MOST_WAITING) socket.send(data);
    };
    socket.addEventListener("open", () => socket.send(JSON.stringify(this.options(context.sampleRate))));
    socket.addEventListener("message", ({ data }) => this.hear(JSON.parse(data), () => {
      node.connect(tap);
      if (node.start) node.start();
    }));
    socket.addEventListener("close", () => { if (this.socket === socket) this.stop(); });
    socket.addEventListener("error", () => { if (this.socket === socket) this.fail("The connection broke off. Is the service running?"); });
    ui.livestop.disabled = false;
    this.say("Connecting …");
  }

  options(rate) {
    const asked = {
      models: [ui.livemodel.value], hop_s: Number(ui.livehop.value), smoothing_s: Number(ui.livesmooth.value),
      top_k: 12, format: "pcm_f32le", sample_rate_hz: rate, channels: 1,
    };
    return key() ? { ...asked, api_key: key() } : asked;
  }

  hear(message, start) {
    if (message.error) this.fail(`${message.error.title}. ${message.error.detail}`);
    if (message.ready) {
      this.ready = true;
      this.say(`Listening … the first tags come after ${message.ready.models[0].patch_s.toFixed(1)} s.`);
      start();
    }
    if (message.models) this.show(message);
  }

  show({ time_s: time, lag_s: lag, models: [model] }) {
    this.say(`${clock(time)} · ${Math.round(1000 * lag)} ms behind`);
    const rows = new Map([...ui.livetags.children].map((row) => [row.dataset.label, row]));
    ui.livetags.replaceChildren(...model.tags.map(({ label, score }) => {
      const row = rows.get(label) || line(label);
      row.querySelector(".fill").style.width = `${100 * Math.max(0, Math.min(1, score))}%`;
      row.querySelector(".score").textContent = percent(score);
      return row;
    }));
  }

  // No more sound will come; what was sent is still answered.
  end() {
    if (this.socket && this.socket.readyState === WebSocket.OPEN) this.socket.send('{"end": true}');
    else this.stop();
  }

  stop() {
    const { context, socket, stream } = this;
    this.context = this.socket = this.stream = null;
    this.ready = false;
    if (socket) socket.close();
    if (stream) stream.getTracks().forEach((track) => track.stop());
    if (context) context.close();
    ui.livestop.disabled = true;
  }

  say(text) {
    ui.livestate.textContent = text;
  }

  fail(text) {
    this.stop();
    ui.livefault.textContent = text;
    ui.livefault.hidden = false;
  }
}

function line(label) {
  const made = element("li", "", element("span", "label", label), element("div", "track", element("div", "fill glide")), element("span", "score"));
  made.dataset.label = label;
  return made;
}
