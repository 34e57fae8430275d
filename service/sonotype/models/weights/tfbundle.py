"""Reader of TensorFlow V2 checkpoints (tensor bundles) without TensorFlow.

The index (see `sstable`) maps each variable's name to a small protobuf message: element type, shape, shard, place and
checksum of its bytes. The shards hold the bytes themselves, little-endian and unpadded. The message types are
`BundleHeaderProto` and `BundleEntryProto` of TensorFlow's `tensor_bundle.proto`; zero fields are left out of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sonotype.core.types import Floats
from sonotype.models.weights.base import corrupt
from sonotype.models.weights.sstable import masked_crc32c, read_table
from sonotype.models.weights.wire import fields, number, text

_FLOAT32 = 1
_MAX_DIMS = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one variable lies: its shape, and the bytes `[offset, offset + size)` of shard number `shard`."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc32c: int


def read_bundle(
    index: bytes, shards: Sequence[bytes], select: Callable[[str], bool] = lambda _: True
) -> dict[str, Floats]:
    """Read the variables whose name `select` accepts.

    Args:
        index: bytes of the `.index` file.
        shards: bytes of the `.data-…` files, in order.
        select: says which variables are wanted; the bytes of others are not looked at.

    Returns:
        Fresh float32 arrays by variable name, in the shape that TensorFlow stored.

    Raises:
        SonotypeError: `weights_corrupt`: the files are damaged, or hold what this reader does not support.
    """
    entries = {name: entry for name, entry in read_index(index, len(shards)).items() if select(name)}
    for place, shard in enumerate(shards):
        # entries that share bytes could make a small file claim any amount of memory
        if sum(entry.size for entry in entries.values() if entry.shard == place) > len(shard):
            raise corrupt("The checkpoint claims more bytes than it holds.")
    return {name: _tensor(name, entry, shards[entry.shard]) for name, entry in entries.items()}


def read_index(index: bytes, n_shards: int) -> dict[str, Entry]:
    """Read the table of contents and check that it belongs to `n_shards` little-endian shards."""
    table = dict(read_table(index))
    header = dict(fields(table.pop(b"", b"")))
    if header.get(1, 0) != n_shards or header.get(2, 0) != 0:
        raise corrupt("The header of the checkpoint does not fit its files.")
    return {text(key): _entry(value, n_shards) for key, value in table.items()}


def _entry(message: bytes, n_shards: int) -> Entry:
    found = dict(fields(message))
    if 7 in found:
        raise corrupt("The checkpoint holds a sliced variable, which this reader does not support.")
    entry = Entry(
        dtype=_number(found, 1),
        shape=_shape(found.get(2, b"")),
        shard=_number(found, 3),
        offset=_number(found, 4),
        size=_number(found, 5),
        crc32c=_number(found, 6),
    )
    if entry.shard >= n_shards:
        raise corrupt("The checkpoint names a shard that is not there.")
    return entry


def _number(found: dict[int, int | bytes], field: int) -> int:
    return number(found.get(field, 0))


def _shape(message: int | bytes) -> tuple[int, ...]:
    if not isinstance(message, bytes):
        raise corrupt("A shape of the checkpoint is malformed.")
    dims = [value for field, value in fields(message) if field == 2]
    if len(dims) > _MAX_DIMS or not all(isinstance(dim, bytes) for dim in dims):
        raise corrupt("A shape of the checkpoint is malformed.")
    return tuple(_number(dict(fields(dim)), 1) for dim in dims if isinstance(dim, bytes))


def _tensor(name: str, entry: Entry, shard: bytes) -> Floats:
    if entry.dtype != _FLOAT32:
        raise corrupt(f"The variable {name[:80]!r} is not float32.")
    # Python's integers cannot overflow, so a product of hostile dimensions is only ever compared
    if entry.size != 4 * math.prod(entry.shape) or entry.offset + entry.size > len(shard):
        raise corrupt(f"The variable {name[:80]!r} does not fit its bytes.")
    data = shard[entry.offset : entry.offset + entry.size]
    if masked_crc32c(data) != entry.crc32c:
        raise corrupt(f"The variable {name[:80]!r} fails its checksum.")
    return np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(entry.shape)
