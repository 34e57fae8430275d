"""Codec, Griffin-Lim and vocoder."""

from __future__ import annotations

import math
from itertools import accumulate

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sonify_parts import SMALL, tones

from sonotype.models.frontend.logmel import LogMel
from sonotype.models.sonify.codec import SCALE_FLOOR, PatchCodec
from sonotype.models.sonify.griffin_lim import griffin_lim
from sonotype.models.sonify.mel import linear_power, mel_power, segment_mel
from sonotype.models.sonify.options import DEFAULT_MEL
from sonotype.models.sonify.spectra import overlap_add
from sonotype.models.sonify.vocoder import Vocoder


def test_the_codec_loses_exactly_the_variance_that_it_says() -> None:
    torch.manual_seed(0)
    mel = torch.randn(40, 16, 10) @ torch.diag(torch.linspace(2, 0.1, 10)) + 5.0
    codec = PatchCodec(token_frames=4, n_mels=10, latent_dim=12)
    blocks = mel.reshape(-1, 40)
    kept = codec.fit(blocks)
    back = codec.decode(codec.encode(mel)).reshape(-1, 40)
    lost = (back - blocks).square().sum() / (blocks - blocks.mean(0)).square().sum()
    assert 0.3 < kept < 0.95
    assert 1.0 - float(lost) == pytest.approx(kept, abs=1e-4)


def test_with_all_components_the_codec_loses_nothing() -> None:
    mel = torch.rand(30, 8, 6)
    codec = PatchCodec(token_frames=2, n_mels=6, latent_dim=12)
    assert codec.fit(mel.reshape(-1, 12)) == pytest.approx(1.0)
    assert torch.allclose(codec.decode(codec.encode(mel)), mel, atol=1e-5)


def test_latents_are_standardised_and_faint_ones_are_not_blown_up() -> None:
    torch.manual_seed(0)
    blocks = torch.randn(4000, 6) * torch.tensor([10.0, 5.0, 2.0, 1.0, 1e-3, 1e-4])
    codec = PatchCodec(token_frames=1, n_mels=6, latent_dim=6)
    codec.fit(blocks)
    deviation = codec.encode(blocks[:, None])[:, 0].std(0)
    assert torch.allclose(deviation[:4], torch.ones(4), atol=0.05)
    assert float(deviation[4]) < 0.01
    assert float(codec.scale[-1]) == pytest.approx(SCALE_FLOOR * float(codec.scale[0]))


def _strongest_hz(samples: torch.Tensor) -> float:
    spectrum = torch.fft.rfft(samples * torch.hann_window(len(samples))).abs()
    return float(spectrum.argmax()) * 16000 / len(samples)


@pytest.mark.parametrize("hz", [220.0, 440.0, 1000.0, 3000.0])
def test_griffin_lim_keeps_the_frequency_of_a_sine(hz: float) -> None:
    frontend = LogMel(DEFAULT_MEL)
    wave = 0.3 * torch.sin(2 * math.pi * hz * torch.arange(64 * 256) / 16000)[None]
    made = griffin_lim(frontend, segment_mel(frontend, wave))[0]
    assert made.shape == wave[0].shape
    # a mel band is 31 Hz wide and more
    assert _strongest_hz(made[4096:12288]) == pytest.approx(hz, abs=max(16.0, 0.02 * hz))


def test_griffin_lim_gives_the_same_samples_and_leaves_the_global_generator_alone() -> None:
    frontend = LogMel(SMALL.mel)
    mel = segment_mel(frontend, torch.from_numpy(tones(1, 32)[0])[None])
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = griffin_lim(frontend, mel)
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(griffin_lim(frontend, mel), first)


def test_the_power_spectrum_found_has_the_log_mel_asked_for() -> None:
    frontend = LogMel(DEFAULT_MEL)
    mel = segment_mel(frontend, torch.randn(1, 32 * 256) * 0.1)
    power = linear_power(frontend, mel)
    assert float(power.min()) >= 0.0
    again = torch.log10(1.0 + DEFAULT_MEL.log_scale * (power.transpose(1, 2) @ frontend.filters))
    assert float((again - mel).abs().mean()) < 0.1
    assert torch.allclose(mel_power(frontend, torch.zeros(1, 1, 96)), torch.zeros(1, 1, 96))


def test_frames_lie_on_the_middle_of_their_hop() -> None:
    frontend = LogMel(DEFAULT_MEL)
    click = torch.zeros(1, 16 * 256)
    click[0, 5 * 256 + 128] = 1.0
    loudness = segment_mel(frontend, click)[0].sum(1)
    assert loudness.shape == (16,)
    assert int(loudness.argmax()) == 5
    assert torch.allclose(loudness[4], loudness[6], rtol=1e-3)


def test_overlap_add_inverts_the_transform() -> None:
    window, wave = torch.hann_window(1024), torch.randn(2, 20 * 256)
    padded = torch.nn.functional.pad(wave, (384, 384))
    spectra = torch.fft.rfft(padded.unfold(-1, 1024, 256) * window)
    made = overlap_add(spectra, window, 256)
    assert made.shape == wave.shape
    # the outermost samples are seen through the very end of a window
    assert torch.allclose(made[:, 64:-64], wave[:, 64:-64], atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 45))
def test_blocks_join_to_the_whole(frames: int, block: int) -> None:
    torch.manual_seed(0)
    vocoder = Vocoder(SMALL).eval()
    mel = torch.rand(1, frames, SMALL.mel.n_mels)
    with torch.inference_mode():
        whole = vocoder(mel)[0]
        blocks = list(vocoder.stream(mel, block))
    ends = [end // 256 for end in accumulate(len(b) for b in blocks)]
    assert set(ends) - {block // 4} == {*range(block, frames, block), frames} - {block // 4}
    assert block < 4 or ends[0] <= block // 4
    assert torch.allclose(torch.cat(blocks), whole, atol=1e-5)
