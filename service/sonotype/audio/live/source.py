"""A stream that is decoded while it comes, as the child runs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from sonotype.audio.backends.block import UnreadableError
from sonotype.audio.backends.libav import LibavSource
from sonotype.audio.live.mono import to_mono
from sonotype.audio.live.wire import Head, Pipe
from sonotype.audio.sniff import Format
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats

# Look at no more of the stream than the first frames before decoding: what is looked at is waited for.
_TUNING: Final = {"probesize": "2048", "analyzeduration": "1"}


class StreamSource:
    """Decodes one stream; samples are given as soon as libav has them.

    Args:
        kind: its container.
        pipe: its bytes.

    Raises:
        SonotypeError: UNDECODABLE, UNSUPPORTED_FORMAT.
    """

    def __init__(self, kind: Format, pipe: Pipe) -> None:
        self._kind = kind
        self._pipe = pipe
        try:
            self._source = LibavSource(kind, pipe, _TUNING)
        except UnreadableError:
            raise SonotypeError(Code.UNDECODABLE, _unreadable(kind)) from None

    def pieces(self) -> Iterator[tuple[Head, Floats]]:
        """Yield what the samples are, and mono samples, shape [n].

        Raises:
            SonotypeError: UNDECODABLE for a stream without audio or one that breaks off before its end; NON_FINITE.
        """
        decoded = False
        for rate_hz, planes in self._source.frames():
            decoded = True
            yield Head(self._kind.value, rate_hz, len(planes)), to_mono(np.stack(planes, axis=1))
        if not decoded:
            raise SonotypeError(Code.UNDECODABLE, "The stream holds no audio that can be decoded.")
        if self._pipe.read(1):
            raise SonotypeError(Code.UNDECODABLE, "The stream cannot be decoded from here on.")


def _unreadable(kind: Format) -> str:
    if kind is Format.M4A:
        return "This M4A cannot be read before its end; send it fragmented, or as AAC, WebM, Ogg, MP3, FLAC or WAV."
    return f"The {kind.value} stream cannot be decoded."
