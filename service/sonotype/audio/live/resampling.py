"""Mono samples at the rate of their source, brought to the rate of a model, exactly as a whole clip is."""

from __future__ import annotations

import numpy as np
import soxr

from sonotype.core.types import Floats


class Resampling:
    """A stream of samples on its way to one rate.

    The resampler is the one of `audio.clip`, soxr HQ in its streaming form, whose output does not depend on how the
    input is cut.

    Args:
        rate_hz: rate of the samples to give.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._from_hz: int | None = None
        self._resampler: soxr.ResampleStream | None = None

    def feed(self, rate_hz: int, samples: Floats) -> Floats:
        """Take the next samples, shape [n], at `rate_hz`; returns what is there by now, shape [m]."""
        if rate_hz == self._from_hz:
            return self._run(samples)
        rest = self.finish()
        self._from_hz = rate_hz
        if rate_hz != self.rate_hz:
            self._resampler = soxr.ResampleStream(rate_hz, self.rate_hz, 1, dtype="float32", quality="HQ")
        made = self._run(samples)
        return np.concatenate([rest, made]) if len(rest) else made

    def finish(self) -> Floats:
        """What the resampler still holds, shape [m]."""
        rest = self._run(np.empty(0, np.float32), last=True)
        self._resampler, self._from_hz = None, None
        return rest

    def _run(self, samples: Floats, *, last: bool = False) -> Floats:
        if self._resampler is None:
            return samples
        made: Floats = self._resampler.resample_chunk(samples, last=last)
        return made
