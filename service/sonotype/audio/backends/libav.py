"""The libav back-end (PyAV): M4A, ADTS, Ogg, WebM, and whatever libsndfile cannot open.

The demuxer is named by our own sniff, never guessed; no protocol may be opened; only audio decoders may run, so
that pictures and video tracks are never decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

import av
import numpy as np
from av.error import FFmpegError

from sonotype.audio.backends.block import Block, UnreadableError, block_frames, check_shape
from sonotype.audio.sniff import Format
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats

_DEMUXERS: Final = {
    Format.WAV: "wav",
    Format.FLAC: "flac",
    Format.OGG: "ogg",
    Format.MP3: "mp3",
    Format.M4A: "mov",
    Format.AAC: "aac",
    Format.WEBM: "matroska",
    Format.AIFF: "aiff",
}
_PCM = ("alaw", "mulaw", "u8", "s8", "s16be", "s16le", "s24be", "s24le", "s32be", "s32le", "f32be", "f32le")
_CODECS: Final = frozenset(
    {"aac", "alac", "flac", "mp1float", "mp2float", "mp3float", "mp2", "mp3", "opus", "libopus", "vorbis"}
    | {"adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "pcm_f64be", "pcm_f64le"}
    | {f"pcm_{name}" for name in _PCM}
)
_SCALES: Final = {"u8": 1 / 128, "s16": 1 / 32768, "s32": 1 / 2**31, "flt": 1.0, "dbl": 1.0}


class Readable(Protocol):
    """What libav reads from; it may know how to seek, too."""

    def read(self, size: int = ..., /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


class LibavSource:
    """The first audio stream of one file, opened by libav.

    Args:
        kind: its container.
        reader: its bytes, from the start; libav seeks in it only where it can.
        tuning: further options of libav's demuxers.

    Raises:
        UnreadableError: the demuxer finds no stream.
        SonotypeError: UNSUPPORTED_FORMAT for a codec, rate or channel count that is not served, UNDECODABLE for a
            file without audio.
    """

    def __init__(self, kind: Format, reader: Readable, tuning: Mapping[str, str] | None = None) -> None:
        self.broken = False
        name = _DEMUXERS[kind]
        options = {
            **(tuning or {}),
            "protocol_whitelist": "",
            "format_whitelist": name,
            "codec_whitelist": ",".join(sorted(_CODECS)),
        }
        try:
            self._container = av.open(reader, mode="r", format=name, options=options, metadata_errors="ignore")
        except FFmpegError as error:
            raise UnreadableError from error
        if not self._container.streams.audio:
            raise SonotypeError(Code.UNDECODABLE, "The file holds no audio stream.")
        self._stream = self._container.streams.audio[0]
        context = self._stream.codec_context
        if context is None or context.codec.name not in _CODECS:
            raise SonotypeError(Code.UNSUPPORTED_FORMAT, "The audio codec in this file is not supported.")
        context.thread_count = 1

    def blocks(self) -> Iterator[Block]:
        """Yield blocks until the end; frames that cannot be decoded are left out."""
        gather = _Gather()
        for rate_hz, planes in self.frames():
            yield from gather.add(rate_hz, planes)
        yield from gather.flush()

    def frames(self) -> Iterator[tuple[int, list[Floats]]]:
        """Yield frame by frame: the rate, and the samples of each channel, valid until the next frame."""
        for frame in self._frames():
            yield frame.sample_rate, _planes(frame)

    def _frames(self) -> Iterator[av.AudioFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:
                self.broken = True
                return
            if packet is None:
                return
            try:
                yield from packet.decode()
            except FFmpegError:
                self.broken = True


def _planes(frame: av.AudioFrame) -> list[Floats]:
    """The channels of a frame as float32 at full scale 1.0; views of the frame where it holds them so."""
    check_shape(frame.sample_rate, frame.layout.nb_channels)
    if frame.format.name == "fltp":
        return [np.frombuffer(memoryview(plane), np.float32, frame.samples) for plane in frame.planes]
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    packed = frame.format.packed.name
    if packed not in _SCALES:
        raise SonotypeError(Code.UNSUPPORTED_FORMAT, "The sample format of this file is not supported.")
    shifted = values.astype(np.float32) - 128 if packed == "u8" else values.astype(np.float32)
    shifted *= np.float32(_SCALES[packed])
    return list(shifted)


class _Gather:
    """Joins the small frames of a codec to blocks: the work per block in Python is then rare."""

    def __init__(self) -> None:
        self._rate_hz = 0
        self._count = 0
        self._buffer = np.empty((0, 0), np.float32)

    def add(self, rate_hz: int, planes: list[Floats]) -> Iterator[Block]:
        size = len(planes[0])
        if (rate_hz, len(planes)) != (self._rate_hz, len(self._buffer)):
            yield from self.flush()
            self._rate_hz = rate_hz
            self._buffer = np.empty((len(planes), block_frames(rate_hz, len(planes)) + (1 << 16)), np.float32)
        for row, plane in zip(self._buffer, planes, strict=True):
            row[self._count : self._count + size] = plane
        self._count += size
        if self._count + (1 << 16) >= self._buffer.shape[1]:
            yield from self.flush()

    def flush(self) -> Iterator[Block]:
        if self._count:
            count, self._count = self._count, 0
            yield Block(self._rate_hz, self._buffer[:, :count].T)
