"""Name the container of a stream by its first bytes, with as few of them as it takes."""

from __future__ import annotations

from sonotype.audio.live.wire import Pipe
from sonotype.audio.sniff import Format, audio_start, by_magic, sniff
from sonotype.core.errors import Code, SonotypeError

# Containers are named in their first bytes; streams without one, by their chain of frames.
_ENOUGH_BYTES = 1 << 14


def recognise(pipe: Pipe) -> Format:
    """Wait for enough bytes to tell; they stay unread, except leading ID3v2 tags.

    Raises:
        SonotypeError: UNSUPPORTED_FORMAT, UNDECODABLE for no bytes at all.
    """
    while True:
        if pipe.ahead[:3] == b"ID3" and (start := audio_start(pipe.ahead)):
            pipe.skip(start)
        elif (found := by_magic(pipe.ahead[:4096])) is not None:
            return found
        elif pipe.ended or len(pipe.ahead) >= _ENOUGH_BYTES:
            return _by_all(pipe.ahead)
        else:
            pipe.fetch()


def _by_all(data: bytes) -> Format:
    if not data:
        raise SonotypeError(Code.UNDECODABLE, "The stream is empty.")
    return sniff(data)
