// Runs beside the sound: hands over mono samples, the mean of the channels, in blocks of a fiftieth of a second.
class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(1024);
    this.count = 0;
  }

  process([channels]) {
    const [first] = channels;
    if (!first) return true;
    for (let place = 0; place < first.length; place += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[place];
      this.block[this.count] = sum / channels.length;
      this.count += 1;
      if (this.count === this.block.length) {
        this.port.postMessage(this.block.buffer, [this.block.buffer]);
        this.block = new Float32Array(1024);
        this.count = 0;
      }
    }
    return true;
  }
}

registerProcessor("tap", Tap);
