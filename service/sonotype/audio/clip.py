"""From decoded blocks to mono samples at the model's rate: crop, count, check, mix, resample.

Rules that answers depend on:

* Samples are counted, headers are not believed. More than `max_clip_s` decoded ends the work at once; what lies
  before the crop counts too, what lies after its end is never decoded.
* Mono is the mean over channels. (The float down-mix of libav is the sum times 0.7071.)
* NaN and infinities are refused. Finite samples beyond +-1000 (60 dB over full scale) are set to +-1000 and mark
  the clip as clipped; anything smaller passes unchanged, as lossy codecs overshoot 1.0 legitimately.
* The resampler is soxr HQ, streaming, which equals its one-shot form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from sonotype.audio.backends.block import Block
from sonotype.audio.wire import Facts
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Crop, Floats

CEILING = np.float32(1000.0)
FULL_SCALE = 32767 / 32768
CLIPPED_SHARE = 0.001
SILENCE = 1e-4
CHUNK_S = 8


@dataclass(slots=True)
class _Frames:
    """Frames still to skip, to take and to decode at all, at the rate of the current block."""

    rate_hz: int
    skip: int
    take: int | None
    budget: int

    def at(self, rate_hz: int) -> _Frames:
        """The same remainders at another rate (a chained stream may change it)."""
        ratio = rate_hz / self.rate_hz
        take = None if self.take is None else round(self.take * ratio)
        return _Frames(rate_hz, round(self.skip * ratio), take, int(self.budget * ratio))


class Conditioner:
    """Conditions one clip.

    Args:
        rate_hz: rate of the samples to give.
        crop: the part to analyse.
        max_clip_s: most seconds that may be decoded.
        min_clip_s: fewest seconds that make a clip.
    """

    def __init__(self, rate_hz: int, crop: Crop, max_clip_s: float, min_clip_s: float) -> None:
        self.facts = Facts()
        self.decoded_frames = 0
        self.filled = False
        self._rate_hz = rate_hz
        self._crop = crop
        self._max_s, self._min_s = max_clip_s, min_clip_s
        self._left: _Frames | None = None
        self._resampler: soxr.ResampleStream | None = None
        self._peak = 0.0
        self._values = self._hot = 0
        self._clamped = False
        self._taken: Counter[int] = Counter()

    def run(self, blocks: Iterator[Block]) -> Iterator[Floats]:
        """Yield mono float32 chunks, shape [n], n at most 8 s; afterwards `facts` are complete.

        Raises:
            SonotypeError: AUDIO_TOO_LONG, AUDIO_TOO_SHORT, NON_FINITE, UNDECODABLE (no sample at all).
        """
        for block in blocks:
            if self._left is None or self._left.rate_hz != block.rate_hz:
                yield from self._turn(block)
            part = self._cut(block)
            if len(part):
                yield from self._pieces(self._resample(self._mix(part)))
            if self.filled:
                break
        yield from self._flush()
        self._conclude()

    def _turn(self, block: Block) -> Iterator[Floats]:
        """Begin at a new sample rate."""
        if self._left is None:
            self.facts.sample_rate_hz, self.facts.channels = block.rate_hz, block.samples.shape[1]
            rate, crop = block.rate_hz, self._crop
            take = None if crop.duration_s is None else round(crop.duration_s * rate)
            self._left = _Frames(rate, round(crop.offset_s * rate), take, int(self._max_s * rate))
        else:
            yield from self._flush()
            self._left = self._left.at(block.rate_hz)
        if block.rate_hz != self._rate_hz:
            self._resampler = soxr.ResampleStream(block.rate_hz, self._rate_hz, 1, dtype="float32", quality="HQ")

    def _cut(self, block: Block) -> Floats:
        """The part of a block inside the crop; counts what was decoded up to its end."""
        assert self._left is not None  # noqa: S101 - set by _turn
        left, size = self._left, len(block.samples)
        start = min(left.skip, size)
        end = size if left.take is None else min(size, start + left.take)
        left.skip -= start
        left.budget -= end
        self.decoded_frames += size
        if left.budget < 0:
            raise SonotypeError(Code.AUDIO_TOO_LONG, f"The audio is longer than {self._max_s:g} s.")
        if left.take is not None:
            left.take -= end - start
            self.filled = left.take == 0
        self._taken[left.rate_hz] += end - start
        return block.samples[start:end]

    def _mix(self, part: Floats) -> Floats:
        """Check the samples of all channels and take their mean."""
        peak = max(float(part.max()), -float(part.min()))
        if not np.isfinite(peak):
            raise SonotypeError(Code.NON_FINITE, "The audio holds samples that are not finite.")
        self._values += part.size
        if peak >= FULL_SCALE:
            self._hot += int(np.count_nonzero(np.abs(part) >= FULL_SCALE))
        if peak > CEILING:
            self._clamped = True
            part = np.clip(part, -CEILING, CEILING)
        mono = mean_of_channels(part)
        self._peak = max(self._peak, float(mono.max()), -float(mono.min()))
        return mono

    def _resample(self, mono: Floats, *, last: bool = False) -> Floats:
        if self._resampler is None:
            return mono
        chunk: Floats = self._resampler.resample_chunk(mono, last=last)
        return chunk

    def _flush(self) -> Iterator[Floats]:
        yield from self._pieces(self._resample(np.empty(0, np.float32), last=True))
        self._resampler = None

    def _pieces(self, samples: Floats) -> Iterator[Floats]:
        size = CHUNK_S * self._rate_hz
        for start in range(0, len(samples), size):
            yield samples[start : start + size]

    def _conclude(self) -> None:
        if self.decoded_frames == 0:
            raise SonotypeError(Code.UNDECODABLE, "The file holds no audio.")
        self.facts.duration_s = sum(frames / rate_hz for rate_hz, frames in self._taken.items())
        if self.facts.duration_s < self._min_s:
            raise SonotypeError(Code.AUDIO_TOO_SHORT, f"There is less than {self._min_s:g} s of audio to analyse.")
        self.facts.clipped = self._clamped or self._hot >= CLIPPED_SHARE * self._values
        self.facts.silent = self._peak < SILENCE


def mean_of_channels(samples: Floats) -> Floats:
    """Mono from samples of shape [n, channels]: their mean, as a new array of shape [n]."""
    # Adding columns is four times as fast as mean(axis=1).
    channels = samples.shape[1]
    if channels == 1:
        return samples[:, 0].copy()
    mono: Floats = samples[:, 0] + samples[:, 1]
    for channel in range(2, channels):
        mono += samples[:, channel]
    mono *= np.float32(1 / channels)
    return mono
