"""The conversation with a child that decodes a stream as it comes, on one stream socket.

Both ways: records of a 1-byte kind, a 4-byte length and a payload, as in `audio.wire`.

    to the child     D  the next bytes of the stream
                     Z  there are no more
    from the child   R  ready, once after the start
                     H  what follows: JSON {"format", "rate_hz", "channels"}; first, and whenever it changes
                     P  samples, mono float32 little-endian, at that rate
                     F  finished
                     E  refused: JSON {"code", "detail", "limit"}

The child reads while it decodes, and sends while the parent reads: each waits for the other, so neither holds more
than the socket does.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final

from sonotype.audio import wire

DATA, END, HEAD = b"D", b"Z", b"H"
MAX_DATA_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Head:
    """What the child found: the container, and rate and channels of the stream."""

    format: str
    rate_hz: int
    channels: int


class Pipe:
    """The child's end of the stream: a reader that waits for bytes and cannot go back.

    Args:
        sock: blocking.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._held = b""
        self.ended = False

    def read(self, size: int = MAX_DATA_BYTES, /) -> bytes:
        """At least one and at most `size` bytes; none after the end."""
        while not self._held and not self.ended:
            self.fetch()
        piece, self._held = self._held[:size], self._held[size:]
        return piece

    @property
    def ahead(self) -> bytes:
        """Bytes that have come and are not read."""
        return self._held

    def fetch(self) -> None:
        """Wait for more bytes, or for the end.

        Raises:
            ConnectionError: the parent is gone.
        """
        head = bytearray(wire.RECORD.size)
        if not wire.receive_into(self._sock, memoryview(head)):
            raise ConnectionError
        kind, size = wire.RECORD.unpack(head)
        payload = bytearray(size)
        if not wire.receive_into(self._sock, memoryview(payload)):
            raise ConnectionError
        self.ended = kind != DATA
        self._held += bytes(payload)

    def skip(self, count: int) -> None:
        """Throw bytes away, whenever they come."""
        while count > 0 and (piece := self.read(min(count, MAX_DATA_BYTES))):
            count -= len(piece)
