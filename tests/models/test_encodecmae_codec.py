"""EnCodec against the package that its authors publish, with the same random weights."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import pytest
import torch
from encodecmae_kit import random_state

from sonotype.models.encodecmae.config import EncodecConfig
from sonotype.models.encodecmae.conv import CausalConv, CausalUpsample, pad_reflect
from sonotype.models.encodecmae.encodec import Decoder, Encodec, Encoder

PARAMETERS = {"encoder": 7_425_792, "decoder": 7_426_018}


@pytest.fixture(scope="module")
def oracle() -> Any:
    encodec = pytest.importorskip("encodec", reason="the oracle; `pip install encodec`")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it uses torch's older weight norm
        model = encodec.EncodecModel.encodec_model_24khz(pretrained=False).eval()
    random_state(model)
    for layer in model.quantizer.vq.layers:
        layer._codebook.embed.normal_()
        layer._codebook.inited.fill_(1)
    return model


@pytest.fixture(scope="module")
def ours(oracle: Any) -> Encodec:
    net = Encodec(EncodecConfig()).eval()
    net.load_state_dict(oracle.state_dict())  # strict: the same names and shapes
    return net


@torch.inference_mode()
@pytest.mark.parametrize("samples", [1, 2, 5, 7, 319, 320, 321, 1000, 7003, 24_000])
def test_the_encoder_equals_the_oracle(oracle: Any, ours: Encodec, samples: int) -> None:
    audio = torch.randn(2, 1, samples) * 0.3
    expected = oracle.encoder(audio)
    assert expected.shape == (2, 128, -(-samples // 320))
    torch.testing.assert_close(ours.encoder(audio), expected, atol=1e-5, rtol=0)
    if samples > 320:
        assert expected.std(dim=2).mean() > 0.1, "the input must matter, or this shows nothing"


@torch.inference_mode()
@pytest.mark.parametrize("frames", [1, 2, 3, 40])
def test_the_decoder_equals_the_oracle(oracle: Any, ours: Encodec, frames: int) -> None:
    latents = torch.randn(2, 128, frames) * 4
    expected = oracle.decoder(latents)
    assert expected.shape == (2, 1, frames * 320)
    assert expected.std() > 0.1, "the input must matter, or this shows nothing"
    torch.testing.assert_close(ours.decoder(latents), expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_both_halves_equal_the_oracle_in_double_precision(oracle: Any, ours: Encodec) -> None:
    """Without rounding in the way: the same arithmetic, not only a similar result."""
    reference, own = copy.deepcopy(oracle).double(), copy.deepcopy(ours).double()
    audio, latents = torch.randn(1, 1, 5001, dtype=torch.float64), torch.randn(1, 128, 9, dtype=torch.float64) * 4
    torch.testing.assert_close(own.encoder(audio), reference.encoder(audio), atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(own.decoder(latents), reference.decoder(latents), atol=1e-12, rtol=1e-12)


@torch.inference_mode()
def test_codes_and_their_sum_equal_the_oracle(oracle: Any, ours: Encodec) -> None:
    latents = torch.randn(2, 128, 50) * 3
    codes = ours.quantizer.encode(latents)
    assert codes.shape == (32, 2, 50)
    torch.testing.assert_close(codes, oracle.quantizer.vq.encode(latents))
    torch.testing.assert_close(ours.quantizer.encode(latents, 8), codes[:8])
    for used in (1, 8, 32):
        expected = oracle.quantizer.vq.decode(codes[:used])
        torch.testing.assert_close(ours.quantizer.decode(codes[:used]), expected, atol=1e-5, rtol=1e-5)


def test_parameter_totals_and_buffers() -> None:
    with torch.device("meta"):
        net = Encodec(EncodecConfig())
    assert sum(p.numel() for p in net.encoder.parameters()) == PARAMETERS["encoder"]
    assert sum(p.numel() for p in net.decoder.parameters()) == PARAMETERS["decoder"]
    assert sum(b.numel() for b in net.quantizer.buffers()) == 32 * (2 * 1024 * 128 + 1024 + 1)


@torch.inference_mode()
@pytest.mark.parametrize(("samples", "frames"), [(96_000, 300), (240_000, 750), (71_321, 223), (95_999, 300), (1, 1)])
def test_samples_give_this_many_frames(samples: int, frames: int) -> None:
    config = EncodecConfig(filters=2, dim=8)
    latents = Encoder(config)(torch.zeros(1, 1, samples))
    assert latents.shape == (1, 8, frames)
    assert Decoder(config)(latents).shape == (1, 1, frames * 320)


@torch.inference_mode()
def test_the_decoder_is_causal() -> None:
    """Once there are the seven frames whose mirror image stands before the first, later ones change nothing."""
    config = EncodecConfig(filters=2, dim=8)
    net = Decoder(config).eval()
    latents = torch.randn(1, 8, 12)
    torch.testing.assert_close(net(latents[..., :7]), net(latents)[..., : 7 * 320], atol=1e-6, rtol=1e-5)


def test_a_signal_shorter_than_its_padding_is_mirrored_over_zeros() -> None:
    x = torch.tensor([[[1.0, 2.0]]])
    assert pad_reflect(x, 3, 0).tolist() == [[[0.0, 0.0, 2.0, 1.0, 2.0]]]
    assert pad_reflect(x, 1, 1).tolist() == [[[2.0, 1.0, 2.0, 1.0]]]


def test_the_norm_of_a_transposed_kernel_is_taken_per_input_channel() -> None:
    layer = CausalUpsample(3, 5, 4, 2)
    assert layer.convtr.child.weight_g.shape == (3, 1, 1)
    torch.testing.assert_close(layer.convtr.child.weight.flatten(1).norm(dim=1), torch.ones(3))
    assert CausalConv(3, 5, 4, 2).conv.child.weight_g.shape == (5, 1, 1)
