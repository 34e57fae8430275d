// A spectrogram on a canvas: short-time Fourier transform with a Hann window, logarithmic frequency, 70 dB of range.
import { colour, mix } from "/assets/dom.js";

const SIZE = 1024;
const RATE_HZ = 16000;
const RANGE_DB = 70;
const LOW_HZ = 60;
const HIGH_HZ = RATE_HZ / 2;
const hann = Float32Array.from({ length: SIZE }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / SIZE));

// In-place radix-2 transform (Cooley and Tukey 1965) of `SIZE` complex numbers.
export function fft(real, imaginary) {
  const size = real.length;
  for (let i = 1, j = 0; i < size; i += 1) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  for (let length = 2; length <= size; length *= 2) {
    const angle = (-2 * Math.PI) / length;
    for (let k = 0; k < length / 2; k += 1) {
      const [cos, sin] = [Math.cos(angle * k), Math.sin(angle * k)];
      for (let at = k; at < size; at += length) {
        const to = at + length / 2;
        const [re, im] = [real[to] * cos - imaginary[to] * sin, real[to] * sin + imaginary[to] * cos];
        [real[to], imaginary[to]] = [real[at] - re, imaginary[at] - im];
        real[at] += re;
        imaginary[at] += im;
      }
    }
  }
}

export async function decode(blob) {
  const context = new OfflineAudioContext(1, 1, RATE_HZ);
  const decoded = await context.decodeAudioData(await blob.arrayBuffer());
  return { samples: decoded.getChannelData(0), seconds: decoded.duration };
}

// Level in dB by column and row, the lowest frequency last.
function levels(samples, columns, rows) {
  const found = new Float32Array(columns * rows);
  const [real, imaginary] = [new Float32Array(SIZE), new Float32Array(SIZE)];
  for (let x = 0; x < columns; x += 1) {
    const start = Math.round(((x + 0.5) * samples.length) / columns - SIZE / 2);
    for (let n = 0; n < SIZE; n += 1) real[n] = (samples[start + n] || 0) * hann[n];
    imaginary.fill(0);
    fft(real, imaginary);
    for (let y = 0; y < rows; y += 1) {
      const hertz = LOW_HZ * (HIGH_HZ / LOW_HZ) ** (1 - (y + 0.5) / rows);
      const bin = Math.min(SIZE / 2 - 1, (hertz * SIZE) / RATE_HZ);
      const [below, share] = [Math.floor(bin), bin % 1];
      const power = (at) => real[at] ** 2 + imaginary[at] ** 2;
      found[x * rows + y] = 10 * Math.log10(1e-10 + power(below) * (1 - share) + power(below + 1) * share);
    }
  }
  return found;
}

function shades() {
  const [low, middle, high] = ["--sound-0", "--sound-1", "--sound-2"].map(colour);
  return Array.from({ length: 256 }, (_, level) => {
    const share = level / 255;
    return share < 0.5 ? mix(low, middle, 2 * share) : mix(middle, high, 2 * share - 1);
  });
}

export function paint(canvas, samples) {
  const scale = Math.min(devicePixelRatio || 1, 2);
  [canvas.width, canvas.height] = [canvas.clientWidth * scale, canvas.clientHeight * scale].map(Math.round);
  const [columns, rows] = [canvas.width, canvas.height];
  if (!columns || !rows) return;
  const found = levels(samples, columns, rows);
  const top = found.reduce((most, each) => Math.max(most, each), -Infinity);
  const palette = shades();
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let y = 0, at = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1, at += 4) {
      const share = Math.max(0, 1 + (found[x * rows + y] - top) / RANGE_DB);
      image.data.set(palette[Math.round(255 * share)], at);
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}
