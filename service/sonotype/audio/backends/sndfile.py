"""The libsndfile back-end: WAV, AIFF, FLAC and well-formed MP3."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soundfile

from sonotype.audio.backends.block import Block, UnreadableError, block_frames, check_shape
from sonotype.audio.blob import Blob
from sonotype.audio.ending import chunks
from sonotype.audio.sniff import Format

_CHUNK_NAMES = frozenset({b"LIST", b"id3 ", b"ID3 ", b"fact", b"cue ", b"smpl", b"bext", b"PEAK", b"JUNK", b"PAD "})


class _Stream(soundfile.SoundFile):  # type: ignore[misc] # it has no types
    """A sound file that is only read forwards.

    soundfile seeks after every read where it may. Such a seek costs a new start of the decoder for MP3 and fails
    for FLAC of unknown length, which then could not be read at all.
    """

    def seekable(self) -> bool:
        return False


class SndfileSource:
    """One stream opened by libsndfile.

    Args:
        kind: its container.
        blob: its bytes; size fields that would cut or hide samples are repaired in place.

    Raises:
        UnreadableError: libsndfile does not know the codec or finds no header.
        SonotypeError: UNSUPPORTED_FORMAT for a rate or channel count out of range.
    """

    def __init__(self, kind: Format, blob: Blob) -> None:
        _repair(kind, blob.view)
        self.broken = False
        try:
            self._file = _Stream(blob.reader())
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise UnreadableError from error
        check_shape(self._file.samplerate, self._file.channels)

    @property
    def declared_frames(self) -> int:
        """Frames that libsndfile will give at most: from the header, or an estimate. It stops there."""
        return int(self._file.frames)

    def blocks(self) -> Iterator[Block]:
        """Yield blocks until the end or the first damage."""
        rate, channels = self._file.samplerate, self._file.channels
        buffer = np.empty((block_frames(rate, channels), channels), np.float32)
        position = 0
        while not self.broken:
            try:
                count = len(self._file.read(out=buffer))
            except soundfile.LibsndfileError:
                # What was decoded before the damage is in the buffer; only the position tells how much that is.
                self.broken = True
                count = self._file.tell() - position
            if not 0 < count <= len(buffer):
                return
            position += count
            yield Block(rate, buffer[:count])


def _repair(kind: Format, view: memoryview) -> None:
    """Make headers say "unknown length" where libsndfile would believe them against the stream itself."""
    if kind is Format.FLAC and len(view) >= 26 and view[4] & 0x7F == 0:
        # The low 36 bits of these bytes are the promised number of samples.
        view[21] &= 0xF0
        view[22:26] = bytes(4)
    elif kind is Format.WAV and bytes(view[:4]) == b"RIFF":
        for name, body, size in chunks(view, "little"):
            if name == b"data" and size == 0 and bytes(view[body : body + 4]) not in _CHUNK_NAMES:
                view[body - 4 : body] = b"\xff" * 4
                return
