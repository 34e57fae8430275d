"""One run over every path of the decoders before the child gives up its rights.

Some bindings import modules on first use, which a child that can open no file any more cannot do.
"""

from __future__ import annotations

import contextlib
import struct

from sonotype.audio.blob import Blob
from sonotype.audio.decoding import Decoding
from sonotype.audio.sniff import Format
from sonotype.audio.wire import Backend, Job
from sonotype.core.errors import SonotypeError

_RATE_HZ = 8000


def _silence_wav() -> bytes:
    pcm = bytes(_RATE_HZ // 5)
    header = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16, 1, 1, _RATE_HZ, 16000, 2, 16)
    return header + struct.pack("<4sI", b"data", len(pcm)) + pcm


SILENCE_WAV = _silence_wav()


def rehearse() -> None:
    """Decode a tenth of a second of silence and a few broken bytes with each back-end."""
    for backend in ("sndfile", "libav"):
        _run(Format.WAV, SILENCE_WAV, backend)
        for kind in Format:
            with contextlib.suppress(SonotypeError):
                _run(kind, SILENCE_WAV[12:], backend)


def _run(kind: Format, data: bytes, backend: Backend) -> None:
    job = Job(kind.value, len(data), 2 * _RATE_HZ, 0.0, None, 1.0, 0.0, cpu_s=1, backend=backend)
    work = Decoding(job, Blob.of(data))
    for _ in work.chunks():
        pass
    work.facts()
