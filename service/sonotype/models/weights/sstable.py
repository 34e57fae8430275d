"""Reader of the sorted-string tables in which TensorFlow keeps the index of a checkpoint.

A table ends in a footer of 48 bytes (handles of the metaindex and the index block, padding, magic number). A block is
its contents, one byte that names the compression, and the masked crc32c of both. The contents are entries whose keys
share prefixes with the key before, then restart points, which a reader from the start does not need.

Nothing here believes a number before it is held against the bytes that are there: every length is checked before it
is used, blocks may not overlap, keys must rise and stay short (each may repeat all of the one before). So no input
makes the reader allocate more than a fixed multiple of its own size.
"""

from __future__ import annotations

from collections.abc import Iterator

import google_crc32c

from sonotype.models.weights.base import corrupt
from sonotype.models.weights.wire import read_varint

MAGIC = 0xDB4775248B80FB57
FOOTER_BYTES = 48
TRAILER_BYTES = 5
_MASK_DELTA = 0xA282EAD8
_MAX_KEY_BYTES = 512


def masked_crc32c(data: bytes) -> int:
    """Checksum of `data` as tables store it: rotated by 15 bits and shifted, so that sums of sums stay strong."""
    crc: int = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def read_table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the (key, value) pairs of a table in the order of their keys.

    Raises:
        SonotypeError: `weights_corrupt`, whatever is wrong.
    """
    last_key: bytes | None = None
    data_end = 0
    for _, handle in _entries(_block(data, *_index_handle(data))):
        offset, size = _handle(handle)
        if offset < data_end:
            raise corrupt("Blocks of the checkpoint index overlap.")
        data_end = offset + size + TRAILER_BYTES
        for key, value in _entries(_block(data, offset, size)):
            if last_key is not None and key <= last_key:
                raise corrupt("Keys of the checkpoint index are out of order.")
            last_key = key
            yield key, value


def _index_handle(data: bytes) -> tuple[int, int]:
    if len(data) < FOOTER_BYTES:
        raise corrupt("The checkpoint index is too short.")
    footer = data[-FOOTER_BYTES:]
    if int.from_bytes(footer[-8:], "little") != MAGIC:
        raise corrupt("The checkpoint index does not end as one.")
    _, at = read_varint(footer, 0)
    _, at = read_varint(footer, at)
    return _handle(footer[at:])


def _handle(data: bytes) -> tuple[int, int]:
    offset, at = read_varint(data, 0)
    size, _ = read_varint(data, at)
    return offset, size


def _block(data: bytes, offset: int, size: int) -> bytes:
    end = offset + size
    if end + TRAILER_BYTES > len(data) - FOOTER_BYTES:
        raise corrupt("A block of the checkpoint index lies outside the file.")
    stored = int.from_bytes(data[end + 1 : end + TRAILER_BYTES], "little")
    if masked_crc32c(data[offset : end + 1]) != stored:
        raise corrupt("A block of the checkpoint index fails its checksum.")
    if data[end] != 0:
        raise corrupt("The checkpoint index is compressed, which this reader does not support.")
    return data[offset:end]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, key = 0, b""
    end = _entries_end(block)
    while at < end:
        shared, at = read_varint(block, at)
        fresh, at = read_varint(block, at)
        length, at = read_varint(block, at)
        if shared > len(key) or at + fresh + length > end:
            raise corrupt("An entry of the checkpoint index runs out of its block.")
        if shared + fresh > _MAX_KEY_BYTES:
            raise corrupt("The checkpoint index holds an overlong name.")
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length


def _entries_end(block: bytes) -> int:
    if len(block) < 4:
        raise corrupt("A block of the checkpoint index is too short.")
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if end < 0:
        raise corrupt("A block of the checkpoint index has more restart points than bytes.")
    return end
