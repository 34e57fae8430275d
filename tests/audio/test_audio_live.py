"""Streams that are decoded as they come: equal to whole files, hardened, and refused in words."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from sonotype.audio.live.decoder import StreamDecoder
from sonotype.audio.live.pcm import PcmReader
from sonotype.audio.live.resampling import Resampling
from sonotype.audio.pool import DecodeLimits, DecoderPool
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Upload

RATE_HZ = 16000
LIMITS = DecodeLimits()


def samples(seconds: float = 2.0, rate_hz: int = 48000) -> np.ndarray:
    return (np.random.default_rng(2).uniform(-0.4, 0.4, (round(seconds * rate_hz), 2)) * 32767).astype("<i2")


def encoded(form: str, codec: str) -> bytes:
    file = BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=48000, layout="stereo")
        resampler = av.AudioResampler(stream.format, "stereo", 48000, frame_size=960 if codec == "libopus" else 1024)
        frame = av.AudioFrame.from_ndarray(samples().reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()


def pcm(kind: str) -> bytes:
    file = BytesIO()
    soundfile.write(file, samples(), 48000, format=kind, subtype="PCM_16")
    return file.getvalue()


STREAMS = {
    "webm": lambda: encoded("webm", "libopus"),
    "ogg": lambda: encoded("ogg", "libopus"),
    "aac": lambda: encoded("adts", "aac"),
    "wav": lambda: pcm("WAV"),
    "flac": lambda: pcm("FLAC"),
}


async def decoded(data: bytes, step: int = 1500) -> Floats:
    """A stream that comes in steps, at 16 kHz."""
    decoder = await StreamDecoder.start(LIMITS, 30)

    async def feed() -> None:
        for start in range(0, len(data), step):
            await decoder.feed(data[start : start + step])
        await decoder.end()

    feeding = asyncio.create_task(feed())
    rate, parts = Resampling(RATE_HZ), []
    try:
        async for rate_hz, mono in decoder.pieces():
            parts.append(rate.feed(rate_hz, mono))
        return np.concatenate([*parts, rate.finish()])
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await decoder.aclose()


async def test_a_stream_gives_what_the_file_gives() -> None:
    pool = DecoderPool(1)
    await pool.start()
    try:
        for name, make in STREAMS.items():
            data = make()
            async with pool.decode(Upload.of(data), rate_hz=RATE_HZ) as stream:
                whole = np.concatenate([chunk async for chunk in stream])
            came = await decoded(data)
            assert len(came) == len(whole), name
            assert np.abs(came - whole).max() < 1e-6, name
    finally:
        await pool.aclose()


async def test_samples_come_before_the_stream_ends() -> None:
    decoder = await StreamDecoder.start(LIMITS, 30)
    try:
        await decoder.feed(STREAMS["webm"]()[:8000])
        rate_hz, mono = await anext(decoder.pieces())
        assert (rate_hz, decoder.head.format) == (48000, "webm")
        assert len(mono) > 0
    finally:
        await decoder.aclose()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Code.UNDECODABLE),
        (b"#EXTM3U\nfile:///etc/passwd\n" * 2000, Code.UNSUPPORTED_FORMAT),
        (bytes(100_000), Code.UNSUPPORTED_FORMAT),
        (b"OggS\0" + os.urandom(50_000), Code.UNDECODABLE),
        (b"fLaC" + os.urandom(50_000), Code.UNDECODABLE),
        (b"\x1a\x45\xdf\xa3\x8b\x42\x82\x84webm" + os.urandom(50_000), Code.UNDECODABLE),
        (b"ID3\x04\0\0\0\0\x10\0" + bytes(5000), Code.UNSUPPORTED_FORMAT),
    ],
)
async def test_what_is_no_audio_is_refused(data: bytes, code: Code) -> None:
    with pytest.raises(SonotypeError) as caught:
        await decoded(data)
    assert caught.value.code is code


async def test_a_child_that_dies_costs_its_stream_only() -> None:
    decoder = await StreamDecoder.start(LIMITS, 30)
    try:
        os.kill(decoder._child.pid, 9)
        with pytest.raises(SonotypeError) as caught:
            async for _ in decoder.pieces():
                pass
        assert caught.value.code is Code.UNDECODABLE
        await decoder.feed(bytes(100))  # says nothing: the reader has heard it
    finally:
        await decoder.aclose()


@contextmanager
def child() -> Iterator[int]:
    decoder = asyncio.run(StreamDecoder.start(LIMITS, 30))
    try:
        yield decoder._child.pid
    finally:
        asyncio.run(decoder.aclose())


def test_the_child_has_given_up_its_rights() -> None:
    with child() as pid:
        status = Path(f"/proc/{pid}/status").read_text()
        assert Path(f"/proc/{pid}/environ").read_bytes().count(b"SECRET") == 0
    assert "NoNewPrivs:\t1" in status


@pytest.mark.parametrize("step", [1, 3, 7, 4096])
def test_raw_samples_may_be_cut_anywhere(step: int) -> None:
    data = samples(0.01).tobytes()
    reader = PcmReader("pcm_s16le", 48000, 2)
    parts = [mono for at in range(0, len(data), step) for mono in reader.read(data[at : at + step])]
    whole = samples(0.01).astype(np.float32) / 32768
    assert np.array_equal(np.concatenate(parts), (whole[:, 0] + whole[:, 1]) * np.float32(0.5))
    assert reader.held_bytes == 0
