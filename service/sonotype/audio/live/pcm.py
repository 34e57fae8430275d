"""Raw samples as they come off a socket: chunks may end anywhere, even inside a sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import numpy as np

from sonotype.audio.live.mono import to_mono
from sonotype.core.types import Floats

PcmFormat = Literal["pcm_s16le", "pcm_f32le"]
MIN_RATE_HZ, MAX_RATE_HZ, MAX_CHANNELS = 8_000, 192_000, 8
_TYPES: Final[dict[str, np.dtype[Any]]] = {"pcm_s16le": np.dtype("<i2"), "pcm_f32le": np.dtype("<f4")}
# A large chunk is taken in pieces, so that nobody else waits for long.
_PIECE_S = 0.5


class PcmReader:
    """Bytes in, mono samples out.

    Args:
        sample_format: of one sample; 16 bits are divided by 32768, as a WAV file of them is read.
        rate_hz: frames per second.
        channels: interleaved.
    """

    def __init__(self, sample_format: PcmFormat, rate_hz: int, channels: int) -> None:
        self._type = _TYPES[sample_format]
        self._channels = channels
        self._frame_bytes = self._type.itemsize * channels
        self._piece_bytes = max(1, round(_PIECE_S * rate_hz)) * self._frame_bytes
        self._rest = b""

    @property
    def held_bytes(self) -> int:
        """Bytes of a frame that has not come to its end: always less than one frame."""
        return len(self._rest)

    def read(self, data: bytes) -> Iterator[Floats]:
        """Yield mono samples of the frames that are complete, shape [n], at most half a second each.

        Raises:
            SonotypeError: NON_FINITE.
        """
        data = self._rest + data if self._rest else data
        whole = len(data) - len(data) % self._frame_bytes
        self._rest = bytes(data[whole:])
        for start in range(0, whole, self._piece_bytes):
            count = (min(whole, start + self._piece_bytes) - start) // self._type.itemsize
            yield to_mono(self._samples(data, start, count))

    def _samples(self, data: bytes, start: int, count: int) -> Floats:
        values = np.frombuffer(data, self._type, count, start).reshape(-1, self._channels)
        samples: Floats = values.astype(np.float32, copy=False)
        return samples / np.float32(32768) if self._type.kind == "i" else samples
