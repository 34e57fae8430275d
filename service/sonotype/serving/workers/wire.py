"""Messages between gateway and worker: a length of four bytes, then JSON. Samples never travel this way."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any, cast

import orjson

_LENGTH = struct.Struct("<I")
MAX_BYTES = 16 * 2**20  # a card with its labels is some 10 kB; more than this is a broken stream

Message = dict[str, Any]


def pack(message: Message) -> bytes:
    """One message as bytes."""
    body = orjson.dumps(message)
    return _LENGTH.pack(len(body)) + body


class Unpacker:
    """Bytes in any portions to messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Add bytes and yield each message that became complete.

        Raises:
            ValueError: the stream is broken; orjson's error is a ValueError too.
        """
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MAX_BYTES:
                raise ValueError(f"a message of {length} bytes")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield cast(Message, orjson.loads(body))


def receive(sock: socket.socket, unpacker: Unpacker) -> Iterator[Message]:
    """Messages from a blocking socket until the other side closes it (the worker's side)."""
    while data := sock.recv(65536):
        yield from unpacker.feed(data)
