"""Every container gives the same samples as a plain decode, whatever the back-end and the chunking."""

from __future__ import annotations

import io
from collections.abc import Iterator

import audio_kit
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from sonotype.audio.backends.block import Block
from sonotype.audio.clip import Conditioner
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Crop, Floats

ALL = (
    *("wav", "wav-float", "aiff", "flac", "flac24", "ogg-vorbis", "ogg-opus"),
    *("mp3", "m4a", "aac", "webm-opus", "webm-vorbis"),
)
BOTH = ALL[:8]


def one_shot(data: bytes, rate_hz: int = 16000) -> Floats:
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    return soxr.resample(samples.mean(axis=1), rate, rate_hz, quality="HQ")


@pytest.mark.parametrize("name", ALL)
def test_every_format_decodes(files: dict[str, bytes], name: str) -> None:
    samples, facts = audio_kit.decode(files[name])
    assert samples.dtype == np.float32
    assert abs(len(samples) / 16000 - facts.duration_s) < 1e-3
    # AAC has a frame or two of padding that its container does not tell.
    assert facts.duration_s == pytest.approx(3.0, abs=0.05 if "aac" in name or "m4a" in name else 1 / 44100)
    assert (facts.channels, facts.truncated, facts.clipped, facts.silent) == (2, False, False, False)
    assert facts.sample_rate_hz == (48000 if "opus" in name else 44100)
    # The level says that the channels were averaged, not summed.
    source = audio_kit.music(3.0).mean(axis=1)
    assert np.std(samples) == pytest.approx(np.std(source), rel=0.1)


@pytest.mark.parametrize("name", BOTH)
def test_decoding_in_pieces_equals_the_plain_way(files: dict[str, bytes], name: str) -> None:
    samples, _ = audio_kit.decode(files[name])
    expected = one_shot(files[name])
    assert len(samples) == len(expected)
    assert audio_kit.snr_db(expected, samples) > 60


@pytest.mark.parametrize("name", BOTH)
def test_both_back_ends_agree(files: dict[str, bytes], name: str) -> None:
    ours, our_facts = audio_kit.decode(files[name], "sndfile")
    other, other_facts = audio_kit.decode(files[name], "libav")
    assert our_facts == other_facts
    assert audio_kit.snr_db(ours, other) > 60


@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000])
def test_the_rate_is_the_one_asked_for(files: dict[str, bytes], rate_hz: int) -> None:
    samples, facts = audio_kit.decode(files["wav"], rate_hz=rate_hz)
    assert len(samples) == 3 * rate_hz
    assert facts.sample_rate_hz == 44100
    if rate_hz == 44100:
        plain, _ = soundfile.read(io.BytesIO(files["wav"]), dtype="float32")
        np.testing.assert_allclose(samples, plain.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
def test_mono_is_the_mean_of_all_channels(channels: int) -> None:
    music = audio_kit.music(1.0, 16000, channels)
    samples, facts = audio_kit.decode(audio_kit.sndfile(music, "WAV", "FLOAT", 16000))
    np.testing.assert_allclose(samples, music.mean(axis=1), atol=1e-6)
    assert facts.channels == channels


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        *[("WAV", s) for s in ("PCM_U8", "PCM_24", "PCM_32", "DOUBLE", "ULAW", "ALAW", "MS_ADPCM", "IMA_ADPCM")],
        *[("WAVEX", "PCM_24"), ("RF64", "PCM_16"), ("AIFF", "FLOAT"), ("AIFF", "PCM_24"), ("FLAC", "PCM_S8")],
    ],
)
def test_sample_formats_agree_in_both_back_ends(kind: str, subtype: str) -> None:
    data = audio_kit.sndfile(audio_kit.music(1.0), kind, subtype)
    ours, _ = audio_kit.decode(data, "sndfile")
    other, _ = audio_kit.decode(data, "libav")
    assert audio_kit.snr_db(ours, other) > (25 if "ADPCM" in subtype else 60)
    expected = soxr.resample(audio_kit.music(1.0).mean(axis=1), 44100, 16000)
    assert audio_kit.snr_db(expected, ours[: len(expected)]) > 15  # ADPCM fills its last block


def conditioned(samples: Floats, cuts: list[int], crop: Crop, rate_hz: int = 8000) -> Floats:
    def blocks() -> Iterator[Block]:
        for part in np.split(samples, sorted({cut % len(samples) for cut in cuts})):
            yield Block(rate_hz, part)

    return np.concatenate(list(Conditioner(16000, crop, 60.0, 0.0).run(blocks())))


@settings(deadline=None, max_examples=50)
@given(
    cuts=st.lists(st.integers(0, 16000), max_size=12),
    offset_s=st.floats(0, 1.5),
    duration_s=st.none() | st.floats(0.05, 3.0),
)
def test_blocks_of_any_size_give_the_same_samples(cuts: list[int], offset_s: float, duration_s: float | None) -> None:
    samples, crop = audio_kit.music(2.0, 8000), Crop(offset_s, duration_s)
    whole = conditioned(samples, [], crop)
    np.testing.assert_array_equal(conditioned(samples, cuts, crop), whole)
    start = round(offset_s * 8000)
    end = len(samples) if duration_s is None else start + round(duration_s * 8000)
    expected = soxr.resample(samples[start:end].mean(axis=1), 8000, 16000, quality="HQ")
    assert audio_kit.snr_db(expected, whole) > 60


def test_a_crop_is_exact_and_stops_early(files: dict[str, bytes]) -> None:
    for name in BOTH:
        whole, _ = audio_kit.decode(files[name], rate_hz=48000 if "opus" in name else 44100)
        rate = 48000 if "opus" in name else 44100
        part, facts = audio_kit.decode(files[name], rate_hz=rate, offset_s=1.0, duration_s=0.5)
        np.testing.assert_array_equal(part, whole[rate : rate + rate // 2])
        assert facts.duration_s == 0.5
        assert not facts.truncated
    day = audio_kit.flac_silence(7200)
    part, facts = audio_kit.decode(day, offset_s=5.0, duration_s=10.0)  # two hours are no matter if nobody asks
    assert len(part) == 160_000
    with pytest.raises(SonotypeError) as caught:
        audio_kit.decode(day, offset_s=700.0, duration_s=1.0)
    assert caught.value.code is Code.AUDIO_TOO_LONG


def test_chunks_are_at_most_eight_seconds() -> None:
    slow = Conditioner(16000, Crop(), 600.0, 0.1)
    silence = np.zeros((4000 * 30, 1), np.float32)
    sizes = [len(chunk) for chunk in slow.run(iter([Block(4000, silence)]))]
    assert max(sizes) == 8 * 16000
    assert sum(sizes) == 30 * 16000
