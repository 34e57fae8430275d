"""A cached value as bytes: versioned header, JSON, float32 little-endian arrays, checksum over everything.

    0  magic `SNTC`   4  schema u16   6  zero u16   8  JSON length u32   12  JSON, padded to 4 bytes
    …  arrays, in the order of the JSON's table     -4  crc32, seeded with the key

The checksum is seeded with the key under which the value is stored, so a value that turns up under another key
(a mixed-up connection, a restored dump) is as worthless as a flipped bit. Nothing is allocated from a number in
the data before that number was compared with the bytes that are there.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import orjson

from sonotype.core.types import Floats
from sonotype.telemetry.metrics import CACHE_CORRUPT

SCHEMA = 1
_HEAD = struct.Struct("<4sHHI")
_CRC = struct.Struct("<I")
_MAGIC = b"SNTC"
_MAX_DIMS = 8
_F32 = np.dtype("<f4")
Value: TypeAlias = tuple[dict[str, Any], dict[str, Floats]]


def encode(meta: Mapping[str, Any], arrays: Mapping[str, Floats], *, key: str = "") -> bytes:
    """Write `meta` (JSON values) and `arrays` (float32, any shape) as one value.

    Args:
        meta: what JSON can hold; integers within 64 bits.
        arrays: name to array.
        key: the key the value will be stored under; `decode` must be given the same.

    Raises:
        ValueError: a number that is not finite, in `meta` or in an array: such an answer is never cached.
        TypeError: an array that is not float32, or `meta` that is not JSON.
    """
    chunks = {name: _writable(name, array) for name, array in arrays.items()}
    table = [[name, list(chunk.shape)] for name, chunk in chunks.items()]
    text = json.dumps({"meta": meta, "arrays": table}, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    body = b"".join((_HEAD.pack(_MAGIC, SCHEMA, 0, len(text)), text, *(c.tobytes() for c in chunks.values())))
    return body + _CRC.pack(_checksum(body, key))


def decode(data: bytes, *, key: str = "") -> Value | None:
    """Read a value back; the arrays are read-only views into `data`.

    Returns:
        `(meta, arrays)`, or None for anything that is not a whole, unharmed value of this schema stored under
        this key. What fails its checks counts as corrupt; another schema is just old.
    """
    if len(data) >= _HEAD.size and data[:4] == _MAGIC and _HEAD.unpack_from(data)[1] != SCHEMA:
        return None
    value = _decode(memoryview(data), key)
    if value is None:
        CACHE_CORRUPT.inc()
    return value


def _writable(name: str, array: Floats) -> Floats:
    if array.dtype != np.float32:
        raise TypeError(f"{name} is not float32")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds values that are not finite")
    return array.astype(_F32, copy=False)


def _checksum(body: bytes | memoryview, key: str) -> int:
    return zlib.crc32(body, zlib.crc32(key.encode()))


def _decode(data: memoryview, key: str) -> Value | None:
    body = data[: -_CRC.size]
    if len(body) < _HEAD.size or _CRC.unpack_from(data, len(body))[0] != _checksum(body, key):
        return None
    magic, _, reserved, n_text = _HEAD.unpack_from(body)
    if magic != _MAGIC or reserved or n_text % 4 or n_text > len(body) - _HEAD.size:
        return None
    try:
        head = orjson.loads(body[_HEAD.size : _HEAD.size + n_text])
    except orjson.JSONDecodeError:
        return None
    if not isinstance(head, dict) or not isinstance(head.get("meta"), dict):
        return None
    arrays = _arrays(head.get("arrays"), body[_HEAD.size + n_text :])
    return None if arrays is None else (head["meta"], arrays)


def _arrays(table: object, data: memoryview) -> dict[str, Floats] | None:
    """Cut `data` as `table` says; None unless it fits to the byte."""
    if not isinstance(table, list):
        return None
    arrays: dict[str, Floats] = {}
    for entry in table:
        if not _is_entry(entry) or entry[0] in arrays:
            return None
        name, shape = entry
        n_bytes = math.prod(shape) * _F32.itemsize
        if n_bytes > len(data):
            return None
        flat = np.frombuffer(data[:n_bytes], _F32)
        if not np.isfinite(flat).all():
            return None
        arrays[name], data = flat.reshape(shape).astype(np.float32, copy=False), data[n_bytes:]
    return arrays if not len(data) else None


def _is_entry(entry: object) -> bool:
    if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)):
        return False
    shape = entry[1]
    # bool is an int to isinstance; 2**31 keeps numpy's own arithmetic far from overflow
    return isinstance(shape, list) and len(shape) <= _MAX_DIMS and all(type(n) is int and 0 <= n < 2**31 for n in shape)
