"""MPEG audio (layers I to III) and ADTS frames: headers and the chain they form.

A sync word alone proves nothing (2 bytes in 4096 look like one), so files are recognised, counted and found
truncated by the chain: where one frame ends, the next header must stand.

Source: ISO/IEC 11172-3 and 13818-3 (frame header), ISO/IEC 13818-7 (ADTS), Xing/LAME header as written by encoders.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_RATES_HZ: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBPS: Final = {
    (True, 3): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 1): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 1): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SYNC: Final = re.compile(rb"\xff[\xe0-\xff]")


def _size(b1: int, b2: int) -> int:
    """Bytes of the MPEG frame whose second and third header bytes are given; 0 if they are not a header."""
    version, layer, kbps, rate = b1 >> 3 & 3, b1 >> 1 & 3, b2 >> 4, b2 >> 2 & 3
    if b1 < 0xE0 or version == 1 or layer == 0 or kbps in (0, 15) or rate == 3:
        return 0
    bits_per_s = _KBPS[version == 3, layer][kbps] * 1000
    rate_hz, padding = _RATES_HZ[version][rate], b2 >> 1 & 1
    if layer == 3:
        return (12 * bits_per_s // rate_hz + padding) * 4
    return (72 if layer == 1 and version != 3 else 144) * bits_per_s // rate_hz + padding


# A walk over an hour-long file looks at 138 000 headers: one look-up each.
_SIZES: Final = tuple(_size(i >> 8, i & 0xFF) for i in range(1 << 16))


def mpeg_frame(data: memoryview, at: int) -> int:
    """Bytes of the MPEG audio frame at `at`, or 0 if none starts there."""
    if at + 4 > len(data) or data[at] != 0xFF:
        return 0
    return _SIZES[data[at + 1] << 8 | data[at + 2]]


def adts_frame(data: memoryview, at: int) -> int:
    """Bytes of the ADTS frame at `at`, or 0 if none starts there."""
    if at + 7 > len(data) or data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0 or data[at + 2] >> 2 & 15 > 12:
        return 0
    size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    return size if size >= 7 else 0


FrameSize = Callable[[memoryview, int], int]


def chains(data: memoryview, at: int, frame: FrameSize, links: int) -> bool:
    """Whether `links` frames of one kind follow each other at `at` (fewer if the data ends exactly after one)."""
    first = at
    for _ in range(links):
        size = frame(data, at)
        if size == 0 or not _alike(data, first, at):
            return False
        at += size
        if at >= len(data):
            return at == len(data)
    return True


def _alike(data: memoryview, a: int, b: int) -> bool:
    """Whether two headers agree in version, layer and sample rate, as all frames of one stream do."""
    return data[a + 1] & 0xFE == data[b + 1] & 0xFE and data[a + 2] & 0x0C == data[b + 2] & 0x0C


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk over all frames found.

    Attributes:
        frames: whole frames.
        complete: the last frame does not reach over the end of the data.
        uniform: all frames share version, layer and sample rate.
        samples: samples per channel in one frame of the first kind.
        declared: number of frames that a Xing or Info header promises, if there is one.
        starts_at: offset of the first frame.
    """

    frames: int
    complete: bool
    uniform: bool
    samples: int
    declared: int | None
    starts_at: int


def walk(data: memoryview, frame: FrameSize = mpeg_frame) -> Walk:
    """Follow the frames from the first to the end, stepping over whatever is not a frame.

    Args:
        data: the whole stream, without an ID3v2 tag.
        frame: `mpeg_frame` or `adts_frame`.
    """
    first, frames, complete, uniform = -1, 0, True, True
    at, end = _next(data, 0, frame), len(data)
    while at >= 0:
        if first < 0:
            first = at
        size = frame(data, at)
        if size == 0:
            at = _next(data, at, frame)
            continue
        uniform = uniform and _alike(data, first, at)
        at += size
        if at > end:
            complete = False
            break
        frames += 1
    if first < 0:
        return Walk(0, complete=False, uniform=True, samples=1152, declared=None, starts_at=0)
    return Walk(frames, complete, uniform, _samples(data, first), _xing(data, first), first)


def _next(data: memoryview, at: int, frame: FrameSize) -> int:
    """Offset of the next chain of two frames from `at` on, or -1."""
    for match in _SYNC.finditer(data, at):
        if chains(data, match.start(), frame, 2):
            return match.start()
    return -1


def _samples(data: memoryview, at: int) -> int:
    layer, version = data[at + 1] >> 1 & 3, data[at + 1] >> 3 & 3
    if layer == 3:
        return 384
    return 576 if layer == 1 and version != 3 else 1152


def _xing(data: memoryview, at: int) -> int | None:
    """The frame count in the Xing or Info header of the frame at `at`; that frame itself is not counted there."""
    mpeg1, mono = data[at + 1] >> 3 & 3 == 3, data[at + 3] >> 6 == 3
    tag = at + 4 + ((17 if mono else 32) if mpeg1 else (9 if mono else 17))
    if bytes(data[tag : tag + 4]) not in (b"Xing", b"Info") or not data[tag + 7] & 1:
        return None
    return int.from_bytes(data[tag + 8 : tag + 12], "big")
