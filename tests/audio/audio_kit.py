"""Makes audio files in memory, healthy and broken, for the tests of the decoder."""

from __future__ import annotations

import functools
import io
import struct
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import soundfile

from sonotype.audio.blob import Blob
from sonotype.audio.decoding import Decoding
from sonotype.audio.sniff import audio_start, sniff
from sonotype.audio.wire import Backend, Facts, Job
from sonotype.core.types import Floats

RATE_HZ = 44100


def music(seconds: float, rate_hz: int = RATE_HZ, channels: int = 2, seed: int = 0) -> Floats:
    """Two sines and some noise, another mixture in each channel; shape [n, channels], peak below 0.7."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    columns = [0.3 * np.sin(2 * np.pi * 220 * (c + 1) * t) + 0.2 * np.sin(2 * np.pi * 997 * t) for c in range(channels)]
    return (np.stack(columns, axis=1) + 0.02 * rng.standard_normal((len(t), channels))).astype(np.float32)


def sndfile(samples: Floats, kind: str, subtype: str | None = None, rate_hz: int = RATE_HZ) -> bytes:
    """Encode with libsndfile: WAV, AIFF, FLAC, OGG, MP3."""
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", rate_hz, samples.shape[1], subtype, format=kind) as file:
        for start in range(0, len(samples), rate_hz):  # its Vorbis encoder overflows the stack on long writes
            file.write(samples[start : start + rate_hz])
    return out.getvalue()


def libav(
    samples: Floats, muxer: str, codec: str, rate_hz: int = RATE_HZ, *, video: bool = False, **options: str
) -> bytes:
    """Encode with libav (through a file: a muxer may want to read it again); `video` adds a moving picture."""
    with tempfile.NamedTemporaryFile() as file:
        _encode(file.name, samples, muxer, codec, rate_hz=rate_hz, video=video, options=options)
        return Path(file.name).read_bytes()


def _encode(
    path: str, samples: Floats, muxer: str, codec: str, *, rate_hz: int, video: bool, options: dict[str, str]
) -> None:
    layout = "stereo" if samples.shape[1] == 2 else "mono"
    with av.open(path, "w", format=muxer, container_options=options) as container:
        picture = container.add_stream("mpeg4", rate=10) if video else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        stream = container.add_stream(codec, rate=rate_hz)
        stream.bit_rate, stream.layout = 128_000, layout
        if picture is not None:
            for index in range(len(samples) * 10 // rate_hz):
                image = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index % 255, np.uint8), format="rgb24")
                container.mux(picture.encode(image))
            container.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate_hz, 0
        size = stream.codec_context.frame_size or 1024
        convert = av.AudioResampler(stream.codec_context.format, layout, rate_hz, size)
        for piece in [*convert.resample(frame), *convert.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


def silent_film(path: Path) -> bytes:
    """An MP4 with one second of pictures only."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(image))
        container.mux(stream.encode(None))
    return path.read_bytes()


def every_format(seconds: float, channels: int = 2) -> dict[str, bytes]:
    """One file per container and codec."""
    x, x48 = music(seconds, channels=channels), music(seconds, 48000, channels)
    return {
        "wav": sndfile(x, "WAV", "PCM_16"),
        "wav-float": sndfile(x, "WAV", "FLOAT"),
        "aiff": sndfile(x, "AIFF", "PCM_16"),
        "flac": sndfile(x, "FLAC", "PCM_16"),
        "flac24": sndfile(x, "FLAC", "PCM_24"),
        "ogg-vorbis": sndfile(x, "OGG", "VORBIS"),
        "ogg-opus": libav(x48, "ogg", "libopus", 48000),
        "mp3": libav(x, "mp3", "libmp3lame"),
        "m4a": libav(x, "ipod", "aac"),
        "aac": libav(x, "adts", "aac"),
        "webm-opus": libav(x48, "webm", "libopus", 48000),
        "webm-vorbis": _webm_vorbis(x),
    }


def _webm_vorbis(samples: Floats) -> bytes:
    """Vorbis from libsndfile put into Matroska, packet by packet."""
    out = io.BytesIO()
    with (
        av.open(io.BytesIO(sndfile(samples, "OGG", "VORBIS")), format="ogg") as source,
        av.open(out, "w", format="webm") as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    return out.getvalue()


def flac_silence(seconds: float, total: int | None = None) -> bytes:
    """Digital silence, 48 kHz stereo, written frame by frame: an hour in 0.2 MB and a moment.

    `total` is what the header promises; by default the truth.
    """
    block, frames = 16384, round(seconds * 48000 / 16384)
    shape = 48000 << 44 | 1 << 41 | 15 << 36 | (frames * block if total is None else total)
    header = b"fLaC\x80\0\0\x22" + struct.pack(">HH", block, block) + bytes(6) + shape.to_bytes(8, "big") + bytes(16)
    return header + b"".join(_flac_frame(number) for number in range(frames))


def _flac_frame(number: int) -> bytes:
    head = b"\xff\xf8\xea\x18" + chr(number + (0x2000 if 0xD800 <= number < 0xE000 else 0)).encode()
    head += bytes([_crc(head, 8, 0x07)])
    frame = head + bytes(6)
    return frame + _crc(frame, 16, 0x8005).to_bytes(2, "big")


@functools.cache
def _crc_table(bits: int, polynomial: int) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value >> (bits - 1) else 0)) & (1 << bits) - 1
        table.append(value)
    return tuple(table)


def _crc(data: bytes, bits: int, polynomial: int) -> int:
    table, mask, value = _crc_table(bits, polynomial), (1 << bits) - 1, 0
    for byte in data:
        value = (value << 8 & mask) ^ table[(value >> (bits - 8)) ^ byte]
    return value


def set_flac_total(data: bytes, samples: int) -> bytes:
    """A FLAC whose header promises another length."""
    value = int.from_bytes(data[18:26], "big") >> 36 << 36 | samples
    return data[:18] + value.to_bytes(8, "big") + data[26:]


def set_u32(data: bytes, at: int, value: int) -> bytes:
    """Overwrite a little-endian 32-bit field."""
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]


def without_xing(data: bytes) -> bytes:
    """The MP3 without ID3 tag and without its Xing or Info frame."""
    data = data[audio_start(data) :]
    assert b"Xing" in data[:64] or b"Info" in data[:64]
    at = data.find(b"\xff\xfb", 4)
    return data[at:]


def id3(size: int) -> bytes:
    """An ID3v2 tag with a picture of `size` bytes."""
    body = b"APIC" + (size - 10).to_bytes(4, "big") + bytes(2) + b"\xff" * (size - 10)
    return b"ID3\x03\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


def decode(
    data: bytes,
    backend: Backend = "auto",
    *,
    rate_hz: int = 16000,
    offset_s: float = 0.0,
    duration_s: float | None = None,
    max_clip_s: float = 600.0,
    min_clip_s: float = 0.1,
) -> tuple[Floats, Facts]:
    """Decode in this process, without limits."""
    kind, start = sniff(data), audio_start(data)
    job = Job(kind.value, len(data) - start, rate_hz, offset_s, duration_s, max_clip_s, min_clip_s, 60, backend)
    work = Decoding(job, Blob.of(data[start:]))
    samples = np.concatenate([np.empty(0, np.float32), *work.chunks()])
    return samples, work.facts()


def snr_db(reference: Floats, other: Floats) -> float:
    """Signal to noise of `other` against `reference`, both shape [n]."""
    noise = np.square(reference.astype(np.float64) - other).sum()
    return float(10 * np.log10(np.square(reference.astype(np.float64)).sum() / max(noise, 1e-30)))


async def read(stream: AsyncIterator[Floats]) -> Floats:
    """Everything a stream gives."""
    return np.concatenate([np.empty(0, np.float32), *[chunk async for chunk in stream]])
