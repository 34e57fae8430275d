"""The wire format of protocol buffers, as far as reading needs it: numbers, and bytes with their length.

Messages are walked over field by field, without a schema: what a field means, its reader knows. Nothing is believed
before it is held against the bytes that are there, so no message makes a reader allocate more than its own size.
"""

from __future__ import annotations

from collections.abc import Iterator

from sonotype.models.weights.base import corrupt

_MAX_VARINT_BYTES = 10
_SIGN = 1 << 63


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a base-128 number at `at`; returns the number and the place after it.

    Raises:
        SonotypeError: `weights_corrupt`.
    """
    value = 0
    for count in range(_MAX_VARINT_BYTES):
        if at + count >= len(data):
            break
        byte = data[at + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + count + 1
    raise corrupt("The file holds a number that does not end.")


def fields(message: int | bytes) -> Iterator[tuple[int, int | bytes]]:
    """Walk over the fields of a message: numbers for scalar fields, bytes for nested ones.

    Raises:
        SonotypeError: `weights_corrupt`; also where `message` is a number, that is, no message at all.
    """
    if not isinstance(message, bytes):
        raise corrupt("A message of the file is malformed.")
    at = 0
    while at < len(message):
        tag, at = read_varint(message, at)
        value, at = _value(message, at, tag & 7)
        yield tag >> 3, value


def number(value: int | bytes) -> int:
    """A field that must be a number."""
    if not isinstance(value, int):
        raise corrupt("A message of the file is malformed.")
    return value


def signed(value: int | bytes) -> int:
    """A field that must be a number, in two's complement of 64 bits."""
    plain = number(value) & ((1 << 64) - 1)
    return plain - 2 * _SIGN if plain >= _SIGN else plain


def content(value: int | bytes) -> bytes:
    """A field that must be bytes."""
    if not isinstance(value, bytes):
        raise corrupt("A message of the file is malformed.")
    return value


def text(value: int | bytes) -> str:
    """A field that must be text."""
    try:
        return content(value).decode("utf-8")
    except UnicodeDecodeError:
        raise corrupt("The file holds a name that is not text.") from None


def varints(packed: bytes, most: int) -> list[int]:
    """Numbers of a packed field, at most `most` of them, in two's complement of 64 bits."""
    out: list[int] = []
    at = 0
    while at < len(packed):
        if len(out) == most:
            raise corrupt("The file holds a longer list of numbers than any model needs.")
        value, at = read_varint(packed, at)
        out.append(signed(value))
    return out


def _value(message: bytes, at: int, wire_type: int) -> tuple[int | bytes, int]:
    if wire_type == 0:
        return read_varint(message, at)
    if wire_type == 2:
        length, at = read_varint(message, at)
    else:
        length = {1: 8, 5: 4}.get(wire_type, len(message) + 1)
    if at + length > len(message):
        raise corrupt("A message of the file is cut short.")
    data = message[at : at + length]
    return (data if wire_type == 2 else int.from_bytes(data, "little")), at + length
