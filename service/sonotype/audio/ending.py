"""Whether an upload breaks off before its end, judged by its structure. Decoders are too lenient to say.

These functions only set the `truncated` mark. No size or count found here allocates or limits anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sonotype.audio import ogg
from sonotype.audio.blob import Blob
from sonotype.audio.mpeg import adts_frame, walk
from sonotype.audio.sniff import Format

# Sizes that writers put where they cannot seek back: "to the end of the file".
STREAMING_SIZES: Final = frozenset({0, 0xFFFFFFFF})
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675


def breaks_off(kind: Format, blob: Blob, decoded_frames: int) -> bool:
    """Whether less came than the container promises.

    Args:
        kind: the container.
        blob: the whole file, without leading ID3v2 tags.
        decoded_frames: samples per channel that the decoder found in the whole file.
    """
    data = blob.view
    match kind:
        case Format.WAV | Format.AIFF:
            early = _chunks_end_early(data, "big" if bytes(data[:4]) in (b"FORM", b"RIFX") else "little")
        case Format.FLAC:
            early = decoded_frames < flac_total(data)
        case Format.MP3:
            found = blob.mpeg
            early = not found.complete or (found.declared or 0) > found.frames
        case Format.AAC:
            early = not walk(data, adts_frame).complete
        case Format.OGG:
            early = not all(link.complete for link in ogg.links(data))
        case Format.M4A:
            early = any(end > len(data) for end in _box_ends(data))
        case Format.WEBM:
            early = any(end > len(data) for end in _element_ends(data))
    return early


def flac_total(data: memoryview) -> int:
    """Samples per channel that a FLAC header promises; 0 means unknown."""
    if len(data) < 26 or data[4] & 0x7F != 0:
        return 0
    return int.from_bytes(data[18:26], "big") & (1 << 36) - 1


def chunks(data: memoryview, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, offset of the body, declared size) of the chunks of a RIFF or FORM file."""
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "big" if order == "big" else "little")
        yield bytes(data[at : at + 4]), at + 8, size
        at += 8 + size + (size & 1)


def _chunks_end_early(data: memoryview, order: str) -> bool:
    for name, body, size in chunks(data, order):
        if name in (b"data", b"SSND"):
            return size not in STREAMING_SIZES and body + size > len(data)
    return False


def _box_ends(data: memoryview) -> Iterator[int]:
    """Yield where each top-level box of an MP4 file should end."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8:
            return
        at += size
        yield at


def _element_ends(data: memoryview) -> Iterator[int]:
    """Yield where each EBML element should end: top level, in the segment, and in clusters of unknown size."""
    at = 0
    while at < len(data):
        name, at = _vint(data, at, keep_marker=True)
        size, at = _vint(data, at, keep_marker=False)
        if name < 0 or size < -1:
            return
        if size >= 0:
            yield at + size
        if name == _SEGMENT or (name == _CLUSTER and size < 0):
            continue
        if size < 0:
            return
        at += size


def _vint(data: memoryview, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """Read an EBML variable-length integer: (value, offset after it); -1 for "unknown", -2 for damage."""
    if at >= len(data) or data[at] == 0:
        return -2, at
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    if keep_marker:
        return value, at + length
    mask = (1 << 7 * length) - 1
    return (-1 if value & mask == mask else value & mask), at + length
