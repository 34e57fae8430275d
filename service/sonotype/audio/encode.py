"""From samples to the bytes of a format, at once or as they come; and back for the files that this service keeps.

Only audio of our own making passes here, never an upload. All formats hold 16 bits per sample or what is left of
them: that is what a decoder of embeddings can fill, and players of every age take it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sonotype.core.types import Floats

Pcm = NDArray[np.int16]

_FULL_SCALE = 32767
_WAV_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
WAV_HEADER_BYTES = _WAV_HEADER.size
_OPUS_RATES_HZ = (8000, 12000, 16000, 24000, 48000)
_MP3_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
# samples that are encoded at a time: codecs take a few thousand, and one turn stays short
_TURN_SAMPLES = 8192


@dataclass(frozen=True, slots=True)
class _Format:
    """How libav writes one format; no `rates_hz` means any. `bitexact` leaves out what differs from run to run."""

    media_type: str
    container: str
    codec: str
    options: dict[str, str]
    rates_hz: tuple[int, ...] = ()


_FORMATS = {
    "wav": _Format("audio/wav", "wav", "pcm_s16le", {}),
    "flac": _Format("audio/flac", "flac", "flac", {}),
    # pages of a tenth of a second instead of a second, so that a stream is heard early
    "ogg": _Format("audio/ogg", "ogg", "libopus", {"page_duration": "100000"}, _OPUS_RATES_HZ),
    "mp3": _Format("audio/mpeg", "mp3", "libmp3lame", {}, _MP3_RATES_HZ),
}
FORMATS = tuple(_FORMATS)


def media_type(audio_format: str) -> str:
    """The media type of a format."""
    return _FORMATS[audio_format].media_type


def to_pcm(samples: Floats) -> Pcm:
    """Round samples in -1…1 to 16 bits; what lies outside is clipped."""
    return np.rint(np.clip(samples, -1.0, 1.0) * _FULL_SCALE).astype(np.int16)


def wav_bytes(n_samples: int) -> int:
    """Length of a WAV of `n_samples`."""
    return WAV_HEADER_BYTES + 2 * n_samples


class StreamEncoder:
    """Encodes mono samples block by block into bytes that can be sent at once. For one thread at a time.

    Args:
        audio_format: one of `FORMATS`.
        rate_hz: of the samples.
        n_samples: how many there will be; WAV and FLAC say so in their header.
    """

    def __init__(self, audio_format: str, rate_hz: int, n_samples: int) -> None:
        self._sink = _Sink()
        self._wav = audio_format == "wav"
        self._head_samples = n_samples if audio_format == "flac" else 0
        if self._wav:
            self._sink.write(_wav_header(rate_hz, n_samples))
        else:
            self._writer = _Writer(self._sink, _FORMATS[audio_format], rate_hz)

    def encode(self, pcm: Pcm) -> bytes:
        """Add samples, shape [n]; returns what became ready, which may be nothing."""
        if self._wav:
            self._sink.write(pcm.astype("<i2").tobytes())
        else:
            self._writer.write(pcm)
        return self._taken()

    def finish(self) -> bytes:
        """End the stream; returns the rest."""
        if not self._wav:
            self._writer.close()
        return self._taken()

    def _taken(self) -> bytes:
        ready = self._sink.take()
        if ready and self._head_samples:
            ready, self._head_samples = _flac_of(self._head_samples, ready), 0
        return ready


def encode(pcm: Pcm, rate_hz: int, audio_format: str) -> bytes:
    """Encode a whole mono clip, shape [n]; the same samples give the same bytes."""
    if audio_format == "wav":
        return _wav_header(rate_hz, len(pcm)) + pcm.astype("<i2").tobytes()
    file = io.BytesIO()
    writer = _Writer(file, _FORMATS[audio_format], rate_hz)
    for turn in _turns(pcm):
        writer.write(turn)
    writer.close()
    return file.getvalue()


def read_pcm(data: bytes) -> tuple[Pcm, int]:
    """Read a file of ours (FLAC, or Ogg Vorbis or Opus of a model folder), mixed to mono.

    Returns:
        The samples, shape [n], and their rate in Hz.

    Raises:
        ValueError: it is no such file, or damaged.
    """
    import soundfile  # noqa: PLC0415 - only needed by those who play; the gateway starts without it

    try:
        samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError("this is not a readable audio file") from error
    return to_pcm(samples.mean(axis=1)), int(rate_hz)


class _Sink:
    """A file that can only be written: libav then never goes back to mend a header."""

    def __init__(self) -> None:
        self._ready = bytearray()

    def write(self, data: bytes) -> int:
        self._ready += data
        return len(data)

    def take(self) -> bytes:
        """What was written since the last call."""
        ready = bytes(self._ready)
        self._ready.clear()
        return ready


class _Writer:
    """One libav container with one mono stream."""

    def __init__(self, file: Any, spec: _Format, rate_hz: int) -> None:
        import av  # noqa: PLC0415 - only needed by those who play; the gateway starts without it

        self._frame_of = av.AudioFrame.from_ndarray
        options = {"fflags": "+bitexact", **spec.options}
        self._container = av.open(file, "w", format=spec.container, options=options)
        rate = _nearest(rate_hz, spec.rates_hz)
        self._stream: Any = self._container.add_stream(spec.codec, rate=rate, layout="mono")
        self._rate_hz = rate_hz
        self._position = 0

    def write(self, pcm: Pcm) -> None:
        """Add samples, shape [n]."""
        if not len(pcm):
            return
        frame = self._frame_of(np.ascontiguousarray(pcm)[None], format="s16", layout="mono")
        frame.sample_rate = self._rate_hz
        frame.pts = self._position
        self._position += len(pcm)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Flush and end."""
        self._container.mux(self._stream.encode(None))
        self._container.close()


def _flac_of(n_samples: int, data: bytes) -> bytes:
    """Write the number of samples into the head of a FLAC stream, which libav only knows at the end.

    They are the last 36 of the 64 bits from byte 18 on (RFC 9639, section 8.2), and zero while unknown.
    """
    facts = int.from_bytes(data[18:26], "big") | n_samples
    return data[:18] + facts.to_bytes(8, "big") + data[26:]


def _turns(pcm: Pcm) -> Iterator[Pcm]:
    for start in range(0, len(pcm), _TURN_SAMPLES):
        yield pcm[start : start + _TURN_SAMPLES]


def _nearest(rate_hz: int, rates_hz: tuple[int, ...]) -> int:
    """The lowest rate of a codec that loses nothing, or its highest; libav resamples."""
    if not rates_hz or rate_hz in rates_hz:
        return rate_hz
    return next((rate for rate in rates_hz if rate >= rate_hz), rates_hz[-1])


def _wav_header(rate_hz: int, n_samples: int) -> bytes:
    n_bytes = 2 * n_samples
    riff = (b"RIFF", WAV_HEADER_BYTES - 8 + n_bytes, b"WAVE")
    return _WAV_HEADER.pack(*riff, b"fmt ", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16, b"data", n_bytes)
