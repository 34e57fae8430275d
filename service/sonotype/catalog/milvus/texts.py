"""Bytes of JSON in a text field of bounded length."""

from __future__ import annotations

import base64
import binascii
import zlib

from sonotype.core.errors import Code, SonotypeError

_PLAIN_BYTES = 60_000
_PART = 60_000


def pack(data: bytes) -> str:
    """JSON as it is, or compressed where it is long. Raises `invalid_request` where that does not help."""
    if len(data) <= _PLAIN_BYTES:
        return data.decode()
    packed = "z" + base64.b64encode(zlib.compress(data)).decode()
    if len(packed) > _PLAIN_BYTES:
        raise SonotypeError(Code.INVALID_REQUEST, "The metadata is too large for this catalogue.")
    return packed


def unpack(text: str) -> bytes:
    """The reverse of `pack`: JSON never begins with a z."""
    return zlib.decompress(base64.b64decode(text[1:])) if text.startswith("z") else text.encode()


def split(data: bytes) -> list[str]:
    """Bytes of any length as texts that fit, with a checksum in the first."""
    body = f"{zlib.crc32(data):08x}" + base64.b64encode(data).decode()
    return [body[start : start + _PART] for start in range(0, len(body), _PART)]


def join(parts: list[str]) -> bytes | None:
    """The reverse of `split`; None where a part is missing or damaged."""
    body = "".join(parts)
    try:
        data = base64.b64decode(body[8:], validate=True)
        return data if body[:8] == f"{zlib.crc32(data):08x}" else None
    except (binascii.Error, ValueError):
        return None
