"""What decoders give: blocks of samples as they stand in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats

MIN_RATE_HZ, MAX_RATE_HZ, MAX_CHANNELS = 4_000, 384_000, 8
# 1 MB of float32: inside the second-level cache of most cores, and 3 s of CD audio.
BLOCK_VALUES = 1 << 18


class Block(NamedTuple):
    """Consecutive samples: float32, shape [n, channels], full scale 1.0, at `rate_hz`."""

    rate_hz: int
    samples: Floats


class Source(Protocol):
    """An opened stream. `broken` turns true when a decoder met damage."""

    broken: bool

    def blocks(self) -> Iterator[Block]:
        """Yield what can be decoded, from the start, once."""
        ...


class UnreadableError(Exception):
    """This decoder cannot open the stream; another may."""


def check_shape(rate_hz: int, channels: int) -> None:
    """Refuse streams that no music has, before anything is allocated for them.

    Raises:
        SonotypeError: UNSUPPORTED_FORMAT.
    """
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise SonotypeError(Code.UNSUPPORTED_FORMAT, "Sample rates from 4 to 384 kHz are supported.")
    if not 1 <= channels <= MAX_CHANNELS:
        raise SonotypeError(Code.UNSUPPORTED_FORMAT, f"At most {MAX_CHANNELS} channels are supported.")


def block_frames(rate_hz: int, channels: int) -> int:
    """Frames in one block: bounded in memory, and at most 4 s of audio."""
    return min(BLOCK_VALUES // channels, 4 * rate_hz)
