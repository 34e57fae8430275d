"""Samples to bytes: every format reads back, streams come early, equal samples give equal bytes."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from sonotype.audio.encode import FORMATS, StreamEncoder, encode, media_type, read_pcm, to_pcm, wav_bytes

LOSSLESS = ("wav", "flac")


def tone(seconds: float = 2.0, rate_hz: int = 16000) -> np.ndarray:
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return to_pcm((0.4 * np.sin(2 * np.pi * 440 * at)).astype(np.float32))


def pitch_hz(samples: np.ndarray, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples[: rate_hz // 2]))
    return float(spectrum.argmax() * 2)


@pytest.mark.parametrize("rate_hz", [16000, 24000, 44100])
@pytest.mark.parametrize("audio_format", FORMATS)
def test_every_format_reads_back(audio_format: str, rate_hz: int) -> None:
    pcm = tone(rate_hz=rate_hz)
    data = encode(pcm, rate_hz, audio_format)
    samples, read_hz = soundfile.read(io.BytesIO(data), dtype="int16")
    assert len(samples) / read_hz == pytest.approx(len(pcm) / rate_hz, abs=0.08)
    assert pitch_hz(samples, read_hz) == pytest.approx(440, abs=4)
    assert media_type(audio_format).startswith("audio/")
    if audio_format in LOSSLESS:
        np.testing.assert_array_equal(samples, pcm)


@pytest.mark.parametrize("audio_format", FORMATS)
def test_equal_samples_give_equal_bytes(audio_format: str) -> None:
    assert encode(tone(), 16000, audio_format) == encode(tone(), 16000, audio_format)


@pytest.mark.parametrize("audio_format", FORMATS)
def test_a_stream_comes_as_it_is_made(audio_format: str) -> None:
    pcm = tone(4.0)
    encoder = StreamEncoder(audio_format, 16000, len(pcm))
    parts = [encoder.encode(pcm[start : start + 4096]) for start in range(0, len(pcm), 4096)]
    assert parts[0], "the header at least"
    assert len(b"".join(parts[: len(parts) // 2])) > 0.3 * len(b"".join(parts))
    whole = b"".join([*parts, encoder.finish()])
    if audio_format == "wav":
        assert whole == encode(pcm, 16000, "wav")
        assert len(whole) == wav_bytes(len(pcm))
    samples, rate_hz = soundfile.read(io.BytesIO(whole), dtype="int16")
    assert pitch_hz(samples, rate_hz) == pytest.approx(440, abs=4)
    if audio_format in LOSSLESS:
        np.testing.assert_array_equal(samples, pcm)


def test_what_is_too_loud_is_clipped() -> None:
    assert to_pcm(np.array([-2.0, -1.0, 0.0, 1.0, 2.0], np.float32)).tolist() == [-32767, -32767, 0, 32767, 32767]


def test_our_files_read_back_and_damaged_ones_are_refused() -> None:
    pcm = tone()
    read, rate_hz = read_pcm(encode(pcm, 16000, "flac"))
    assert rate_hz == 16000
    np.testing.assert_array_equal(read, pcm)
    with pytest.raises(ValueError, match="not a readable"):
        read_pcm(b"fLaC" + b"\0" * 100)
