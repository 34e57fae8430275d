"""Cursors of lists: a slot and its checksum, so that what is not ours is told apart."""

from __future__ import annotations

import base64
import struct
import zlib

from sonotype.core.errors import Code, SonotypeError

_LAYOUT = struct.Struct(">q")  # as SQLite: no number is too large for it
_BYTES = _LAYOUT.size + 4  # twelve: no padding in base64


def encode(slot: int) -> str:
    """The cursor that continues behind a slot."""
    packed = _LAYOUT.pack(slot)
    return base64.urlsafe_b64encode(packed + zlib.crc32(packed).to_bytes(4, "big")).decode()


def decode(cursor: str) -> int:
    """The slot of a cursor. Raises `invalid_request` for one that `encode` has not made."""
    try:
        packed = base64.b64decode(cursor, altchars=b"-_", validate=True)
    except ValueError:
        packed = b""
    slot = packed[: _LAYOUT.size]
    if len(packed) != _BYTES or zlib.crc32(slot).to_bytes(4, "big") != packed[_LAYOUT.size :]:
        raise SonotypeError(Code.INVALID_REQUEST, "The cursor is not one of this catalogue.")
    return int(_LAYOUT.unpack(slot)[0])
