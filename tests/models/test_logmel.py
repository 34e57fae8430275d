"""The log-mel front end against its definition, written out in double precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sonotype.core.types import Floats
from sonotype.models.card_parts import FrontendSpec, PatchSpec
from sonotype.models.frontend.constants import hann_window, hz_to_mel, mel_filters, mel_to_hz
from sonotype.models.frontend.logmel import LogMel, fill_frames
from sonotype.models.patches import Patcher


def make_spec(**changes: object) -> FrontendSpec:
    base: dict[str, object] = {
        "sample_rate_hz": 16000,
        "n_fft": 512,
        "hop_length": 256,
        "n_mels": 96,
        "fmin_hz": 0.0,
        "fmax_hz": 8000.0,
        "window": "periodic",
        "padding": "reflect",
        "frames": "floor",
        "log_scale": 10000.0,
    }
    return FrontendSpec.model_validate(base | changes)


def by_definition(spec: FrontendSpec, window: Floats) -> np.ndarray:
    """Discrete Fourier transform by its sum, frame by frame, in float64."""
    time, bins = np.arange(spec.n_fft), np.arange(spec.n_fft // 2 + 1)
    waves = np.exp(-2j * np.pi * np.outer(time, bins) / spec.n_fft)
    starts = range(0, window.size - spec.n_fft + 1, spec.hop_length)
    frames = np.stack([window[start : start + spec.n_fft].astype(np.float64) for start in starts])
    power = np.abs((frames * hann_window(spec)) @ waves) ** 2
    return np.log10(1 + spec.log_scale * (power @ mel_filters(spec)))


@pytest.mark.parametrize("window", ["periodic", "symmetric"])
@pytest.mark.parametrize("level", [1.0, 1e-3, 0.0])
def test_follows_the_definition(window: str, level: float) -> None:
    spec = make_spec(window=window)
    samples = (level * np.random.default_rng(1).uniform(-1, 1, 186 * 256 + 512)).astype(np.float32)
    mel = LogMel(spec)(torch.from_numpy(samples)[None])
    assert mel.shape == (1, 187, 96)
    assert mel.dtype == torch.float32
    np.testing.assert_allclose(mel[0].numpy(), by_definition(spec, samples), atol=2e-5)


def test_a_tone_lights_the_band_it_lies_in() -> None:
    spec = make_spec()
    edges = mel_to_hz(np.linspace(*hz_to_mel(np.array([0.0, 8000.0])), 98))
    tone = np.sin(2 * np.pi * 1000.0 * np.arange(186 * 256 + 512) / 16000).astype(np.float32)
    loudest = LogMel(spec)(torch.from_numpy(tone)[None])[0].mean(0).argmax().item()
    assert edges[loudest] < 1000.0 < edges[loudest + 2]


def test_filters_have_the_published_shape() -> None:
    filters = mel_filters(make_spec())
    assert filters.shape == (257, 96)
    # facts of librosa.filters.mel(sr=16000, n_fft=512, n_mels=96, htk=False, norm="slaney")
    assert np.count_nonzero(filters) == 502
    assert filters.max() == pytest.approx(0.0319992, abs=1e-7)
    assert (filters.sum(axis=0) > 0).all()


def test_filters_equal_torchaudios_up_to_its_float32() -> None:
    functional = pytest.importorskip("torchaudio.functional")
    theirs = functional.melscale_fbanks(257, 0.0, 8000.0, 96, 16000, norm="slaney", mel_scale="slaney")
    np.testing.assert_allclose(mel_filters(make_spec()), theirs.numpy(), atol=2e-7)


@given(st.floats(0.0, 20000.0))
def test_the_mel_scale_is_its_own_inverse(hz: float) -> None:
    back = mel_to_hz(hz_to_mel(np.array([hz])))[0]
    assert back == pytest.approx(hz, rel=1e-9, abs=1e-9)


def test_windows_differ_in_their_period() -> None:
    periodic, symmetric = hann_window(make_spec()), hann_window(make_spec(window="symmetric"))
    np.testing.assert_allclose(periodic[1:], periodic[1:][::-1], atol=1e-12)
    np.testing.assert_allclose(symmetric, symmetric[::-1], atol=1e-12)
    assert periodic[256] == 1.0
    assert periodic[-1] > 0.0
    assert symmetric[-1] == pytest.approx(0.0, abs=1e-12)


def test_equals_torchs_own_centred_transform_of_a_whole_clip() -> None:
    spec = make_spec()
    samples = np.random.default_rng(2).uniform(-1, 1, 50_000).astype(np.float32)
    hann = torch.from_numpy(hann_window(spec)).float()
    whole = torch.stft(torch.from_numpy(samples), 512, 256, window=hann, center=True, return_complex=True)
    mel = torch.log10(1 + 10000 * (whole.abs().square().T @ torch.from_numpy(mel_filters(spec)).float()))
    patcher = Patcher(spec, PatchSpec(frames=50, hop_frames=50, tail="pad", short="pad"))
    windows = patcher.feed(samples) + patcher.finish()
    ours = LogMel(spec)(
        torch.from_numpy(np.stack([w.samples for w in windows])),
        torch.tensor([w.valid_frames for w in windows]),
        "pad",
    )
    joined = ours.flatten(0, 1)
    torch.testing.assert_close(joined[: len(mel)], mel, atol=2e-5, rtol=0)
    assert not joined[len(mel) :].any()


@given(frames=st.integers(1, 12), valid=st.data())
def test_fill(frames: int, valid: st.DataObject) -> None:
    count = valid.draw(st.lists(st.integers(1, frames), min_size=1, max_size=4))
    mel = torch.rand(len(count), frames, 3) + 1.0
    repeated = fill_frames(mel, torch.tensor(count), "repeat")
    padded = fill_frames(mel, torch.tensor(count), "pad")
    for row, n in enumerate(count):
        tiled = mel[row, :n].repeat(math.ceil(frames / n), 1)[:frames]
        assert torch.equal(repeated[row], tiled)
        assert torch.equal(padded[row, :n], mel[row, :n])
        assert not padded[row, n:].any()


def test_constants_move_with_the_module_but_are_not_saved() -> None:
    front = LogMel(make_spec())
    assert front.state_dict() == {}
    assert front.to(torch.float64).filters.dtype == torch.float64
