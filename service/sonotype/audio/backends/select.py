"""Which back-end decodes what, and why.

libsndfile is right and fast for WAV, AIFF and FLAC (with the length field of FLAC set to "unknown", because it
stops where the header says). For MP3 it stops at the frame count of the Xing header or at an estimate from the
first frame, so it gets an MP3 only if the frames that are really there do not exceed that. Ogg goes to libav link
by link, and to libsndfile where libav does not open it: it refuses some whole files, for instance with a first page
before sample 0. M4A, ADTS and WebM are libav's anyway.
"""

from __future__ import annotations

from collections.abc import Iterator

from sonotype.audio import ogg
from sonotype.audio.backends.block import Block, Source, UnreadableError
from sonotype.audio.backends.libav import LibavSource
from sonotype.audio.backends.sndfile import SndfileSource
from sonotype.audio.blob import Blob
from sonotype.audio.sniff import Format
from sonotype.audio.wire import Backend
from sonotype.core.errors import Code, SonotypeError


def open_source(kind: Format, blob: Blob, backend: Backend = "auto") -> Source:
    """Open a stream with the best back-end for it, or with the one named.

    Args:
        kind: the container found by `sniff`.
        blob: the bytes without leading ID3v2 tags.
        backend: `auto` for the rules above; the names are for tests that compare.

    Raises:
        SonotypeError: UNDECODABLE or UNSUPPORTED_FORMAT.
    """
    try:
        if kind is Format.OGG and backend != "sndfile":
            return _ogg(blob, backend)
        if backend == "libav":
            return LibavSource(kind, blob.reader())
        return SndfileSource(kind, blob) if backend == "sndfile" else _automatic(kind, blob)
    except UnreadableError:
        raise SonotypeError(Code.UNDECODABLE, f"The {kind.value} data cannot be decoded.") from None


def _ogg(blob: Blob, backend: Backend) -> Source:
    try:
        return _ChainSource(blob)
    except UnreadableError:
        if backend == "libav":
            raise
        return SndfileSource(Format.OGG, blob)


def _automatic(kind: Format, blob: Blob) -> Source:
    if kind in (Format.WAV, Format.AIFF, Format.FLAC, Format.MP3):
        try:
            source = SndfileSource(kind, blob)
        except UnreadableError:
            return LibavSource(kind, blob.reader())
        if kind is not Format.MP3 or _reaches_the_end(source, blob):
            return source
    return LibavSource(kind, blob.reader())


def _reaches_the_end(source: SndfileSource, blob: Blob) -> bool:
    """Whether libsndfile will decode every frame of this MP3."""
    found = blob.mpeg
    if found.declared is not None:
        # The frame of the Xing header itself is not in its count.
        return found.uniform and found.declared >= found.frames - 1
    return found.uniform and source.declared_frames >= found.frames * found.samples


class _ChainSource:
    """The links of an Ogg file one after the other."""

    def __init__(self, blob: Blob) -> None:
        self.broken = False
        self._links = ogg.links(blob.view)
        self._blob = blob
        self._first = LibavSource(Format.OGG, self._link(0).reader())

    def _link(self, index: int) -> Blob:
        link = self._links[index]
        return self._blob if len(self._links) == 1 else self._blob.part(link.start, link.end)

    def blocks(self) -> Iterator[Block]:
        source = self._first
        for index in range(len(self._links)):
            try:
                source = source if index == 0 else LibavSource(Format.OGG, self._link(index).reader())
            except (UnreadableError, SonotypeError):
                self.broken = True
                continue
            yield from source.blocks()
            self.broken = self.broken or source.broken
