"""From a finished rendering to the file that is sent, and the files that were sent lately."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np

from sonotype.audio.encode import FORMATS, encode, media_type, read_pcm
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.sonification import AudioFile, AudioFormat, Rendering


class AudioMemory:
    """Encoded files, least recently used ones go first.

    Args:
        max_bytes: what they may take together.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._files: OrderedDict[str, AudioFile] = OrderedDict()

    def get(self, key: str) -> AudioFile | None:
        """The file, if it is here; it then counts as just used."""
        if key in self._files:
            self._files.move_to_end(key)
        return self._files.get(key)

    def put(self, key: str, file: AudioFile) -> None:
        """Keep the file, and drop others until all fit."""
        self._files[key] = file
        while len(self._files) > 1 and sum(len(file.data) for file in self._files.values()) > self._max_bytes:
            self._files.popitem(last=False)


def audio_file(source: bytes, rendering: Rendering, audio_format: AudioFormat) -> AudioFile:
    """Encode a rendering, unless it is kept in that very format. Raises `weights_corrupt` for a damaged source."""
    try:
        pcm, rate_hz = read_pcm(source)
    except ValueError as error:
        raise SonotypeError(Code.WEIGHTS_CORRUPT, "The audio file of this prototype is damaged.") from error
    kept_as = "ogg" if rendering.kind == "segment" else "flac"
    data = source if audio_format == kept_as else encode(pcm, rate_hz, audio_format)
    etag = f"{hashlib.sha256(data).hexdigest()[:32]}-{audio_format}"
    return AudioFile(data, media_type(audio_format), etag, rendering, len(pcm) / rate_hz)


def rehearse() -> None:
    """Load the codecs before anybody waits for them."""
    for audio_format in FORMATS:
        encode(np.zeros(4096, np.int16), 16000, audio_format)
    read_pcm(encode(np.zeros(4096, np.int16), 16000, "flac"))
