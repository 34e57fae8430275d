"""Layout, totals and arithmetic of EnCodecMAE, its summary and its diffusion decoder."""

from __future__ import annotations

import math
import re

import pytest
import torch
from encodecmae_kit import DIM, MODEL, ae_config
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sonotype.models.encodecmae.config import SIZES, StackConfig, autoencoder
from sonotype.models.encodecmae.diffusion import Denoiser, guided, sample
from sonotype.models.encodecmae.encodecmae import EncodecMae, FrameEmbedder
from sonotype.models.encodecmae.fitting import aliases, skeleton
from sonotype.models.encodecmae.residual import Attention, ResidualStack, ScaledSinusoid, sinusoid
from sonotype.models.encodecmae.summary import Summary, SummaryAutoencoder

# (parameters of the visible encoder, all unique tensors); dossier: 18.1/29.9/92.0 M and 51.97/63.78/134.2 M
TOTALS = {
    "small": (18_109_696, 51_968_801),
    "base": (29_921_536, 63_780_641),
    "large": (92_036_096, 134_221_601),
}
TRAINED = {"encoder": 11_022_592, "denoiser": 25_196_800, "time": 592_128, "adapters": 197_504}


def total(net: nn.Module) -> int:
    """Numbers in all tensors, each counted once."""
    tensors = [*net.parameters(), *net.buffers()]
    return sum({id(tensor): tensor.numel() for tensor in tensors}.values())


@pytest.mark.parametrize("size", SIZES)
def test_totals_are_the_published_ones(size: str) -> None:
    net = skeleton(lambda: EncodecMae(SIZES[size]))
    assert (total(net.visible_encoder), total(net)) == TOTALS[size]
    file_mb = {"small": 207.9, "base": 255.1, "large": 536.9}[size]
    assert total(net) * 4 / 1e6 == pytest.approx(file_mb, abs=0.05)


def test_totals_of_the_autoencoder() -> None:
    net = skeleton(lambda: SummaryAutoencoder(autoencoder(4)))
    trained = sum(p.numel() for name, p in net.named_parameters() if "encodecmae_model" not in name)
    assert total(net.encoder.encoder) == TRAINED["encoder"]
    assert total(net.denoiser) == TRAINED["denoiser"]
    assert total(net.time_embedding) == TRAINED["time"]
    assert total(net.in_adapter) + total(net.out_adapter) == TRAINED["adapters"]
    assert trained == 37_009_793
    # a Lightning file holds two Adam moments for everything that is trained: 699.5 MB as published
    assert (total(net) + 2 * trained) * 4 / 1e6 == pytest.approx(699.5, abs=0.5)


def _v1_names(layers: int) -> set[str]:
    """The key list of a v1 state dict, written out from docs/encodecmae.md."""
    normed = [f"{kind}" for kind in ("weight_g", "weight_v", "bias")]
    convs = [f"wav_encoder.model.model.{i}.conv.conv" for i in (0, 3, 6, 9, 12, 15)]
    convs += [
        f"wav_encoder.model.model.{i}.{part}.conv.conv"
        for i in (1, 4, 7, 10)
        for part in ("block.1", "block.3", "shortcut")
    ]
    names = {f"{conv}.{kind}" for conv in convs for kind in normed}
    names |= {
        f"wav_encoder.model.model.13.lstm.{w}_{g}_l{i}"
        for w in ("weight", "bias")
        for g in ("ih", "hh")
        for i in (0, 1)
    }
    book = "target_encoder.model.vq.layers.{}._codebook.{}"
    names |= {book.format(i, b) for i in range(32) for b in ("inited", "cluster_size", "embed", "embed_avg")}
    names |= {f"{m}.{w}" for m in ("feat_projector", "decoder_projector", "head.layer") for w in ("weight", "bias")}
    for stack, n in (("visible_encoder", layers), ("decoder", 2)):
        names |= {f"{stack}.final_norm.{w}" for w in ("weight", "bias")}
        for i in range(n):
            layer = f"{stack}.encoder_layers.{i}"
            names |= {f"{layer}.att_layer.{w}.weight" for w in ("wq", "wk", "wv", "wo")}
            names |= {
                f"{layer}.{m}.{w}" for m in ("ff_layer.0", "ff_layer.2", "norm1", "norm2") for w in ("weight", "bias")
            }
    return names | {"positional_encoder.scale"}


@pytest.mark.parametrize("size", SIZES)
def test_the_v1_key_list(size: str) -> None:
    net = skeleton(lambda: EncodecMae(SIZES[size]))
    assert set(net.state_dict()) == _v1_names(SIZES[size].encoder.layers)


def test_shapes_of_base_and_of_the_odd_heads_of_large() -> None:
    base = {name: tuple(t.shape) for name, t in skeleton(lambda: EncodecMae(SIZES["base"])).state_dict().items()}
    assert base["wav_encoder.model.model.13.lstm.weight_hh_l1"] == (2048, 512)
    assert base["feat_projector.weight"] == (768, 128)
    assert base["positional_encoder.scale"] == ()
    assert base["decoder_projector.weight"] == (768, 768)
    assert base["visible_encoder.encoder_layers.9.att_layer.wo.weight"] == (768, 768)
    assert base["visible_encoder.encoder_layers.3.ff_layer.0.weight"] == (4096, 768)
    assert base["visible_encoder.encoder_layers.3.ff_layer.2.weight"] == (768, 4096)
    assert base["head.layer.weight"] == (8192, 768)
    large = skeleton(lambda: EncodecMae(SIZES["large"])).state_dict()
    assert tuple(large["visible_encoder.encoder_layers.0.att_layer.wq.weight"].shape) == (1020, 1024)
    assert tuple(large["visible_encoder.encoder_layers.0.att_layer.wo.weight"].shape) == (1024, 1020)


def test_the_key_list_of_the_autoencoder() -> None:
    state = skeleton(lambda: SummaryAutoencoder(autoencoder(10))).state_dict()
    inside = {name.removeprefix("encoder.encodecmae_model.") for name in state if "encodecmae_model" in name}
    assert inside == _v1_names(10)
    own = {name for name in state if "encodecmae_model" not in name}
    outside = {name for name in own if not re.match(r"(encoder\.encoder|denoiser)\.encoder_layers\.\d\.", name)}
    assert outside == {
        "encoder.encoder.final_norm.weight",
        "encoder.encoder.final_norm.bias",
        "encoder.cls_tokens.weight",
        "encoder.pos_encoder.scale",
        "denoiser.final_norm.weight",
        "denoiser.final_norm.bias",
        *(
            f"{m}.{w}"
            for m in ("in_adapter", "out_adapter", "time_embedding.0", "time_embedding.2")
            for w in ("weight", "bias")
        ),
    }
    numbers = {"encoder.encoder": set(), "denoiser": set()}
    for name in own - outside:
        stack, _, rest = name.partition(".encoder_layers.")
        numbers[stack].add(int(rest.partition(".")[0]))
    assert numbers == {"encoder.encoder": {0, 1}, "denoiser": set(range(8))}
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    assert shapes["encoder.cls_tokens.weight"] == (1, 768)
    assert shapes["in_adapter.weight"] == (768, 128)
    assert shapes["out_adapter.weight"] == (128, 768)
    assert shapes["time_embedding.0.weight"] == (768, 1)


def test_one_feed_forward_serves_all_layers_and_is_listed_under_each() -> None:
    stack = ResidualStack(StackConfig(layers=3, heads=2, dim=8, feedforward=16))
    state = stack.state_dict()
    for part in ("0.weight", "0.bias", "2.weight", "2.bias"):
        places = {state[f"encoder_layers.{i}.ff_layer.{part}"].data_ptr() for i in range(3)}
        assert len(places) == 1
    assert len(aliases(stack)) == 2 * 4
    assert set(aliases(stack).values()) == {
        f"encoder_layers.0.ff_layer.{p}" for p in ("0.weight", "0.bias", "2.weight", "2.bias")
    }


@pytest.mark.parametrize(("dim", "heads"), [(12, 3), (16, 8), (10, 3)])  # 10 // 3: heads that do not fill the width
def test_heads_are_interleaved(dim: int, heads: int) -> None:
    """A loop over heads, each of which owns the channels c with c mod heads = h."""
    attention = Attention(StackConfig(layers=1, heads=heads, dim=dim))
    head_dim = dim // heads
    x = torch.randn(2, 5, dim)
    query, key, value = (attention.wq(x), attention.wk(x), attention.wv(x))
    merged = torch.zeros(2, 5, head_dim * heads)
    for h in range(heads):
        own = [c for c in range(head_dim * heads) if c % heads == h]
        scores = query[..., own] @ key[..., own].transpose(1, 2) / math.sqrt(head_dim)
        merged[..., own] = scores.softmax(-1) @ value[..., own]
    torch.testing.assert_close(attention(x), attention.wo(merged), atol=1e-5, rtol=1e-5)


def test_the_two_residual_streams() -> None:
    """The equations of ResiDual, written out."""
    stack = ResidualStack(StackConfig(layers=2, heads=2, dim=8, feedforward=16))
    for norm in stack.modules():
        if isinstance(norm, nn.LayerNorm):
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
    x = torch.randn(1, 4, 8)
    a = b = x
    for layer in stack.encoder_layers:
        attended = layer.att_layer(a)
        a, b = layer.norm1(a + attended), b + attended
        mapped = layer.ff_layer(a)
        a, b = layer.norm2(a + mapped), b + mapped
    torch.testing.assert_close(stack(x), a + stack.final_norm(b))


def test_padding_is_not_attended_to() -> None:
    stack = ResidualStack(StackConfig(layers=2, heads=2, dim=8, feedforward=16))
    x = torch.randn(2, 6, 8)
    padding = torch.tensor([[False] * 4 + [True] * 2, [False] * 6])
    out = stack(x, padding)
    torch.testing.assert_close(out[0, :4], stack(x[:1, :4])[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(out[1], stack(x[1:])[0], atol=1e-5, rtol=1e-5)
    assert torch.isfinite(stack(x, torch.ones(2, 6, dtype=torch.bool))).all()


def test_positions() -> None:
    table = sinusoid(5, 6, torch.device("cpu"))
    for position in range(5):
        for pair in range(3):
            angle = position / 10_000 ** (2 * pair / 6)
            assert table[position, 2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[position, 2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)
    positions = ScaledSinusoid()
    nn.init.constant_(positions.scale, 0.5)
    torch.testing.assert_close(positions(torch.zeros(1, 5, 6))[0], 0.5 * table)


@torch.inference_mode()
def test_lengths_mark_frames_as_padding() -> None:
    net = FrameEmbedder(MODEL).eval()
    audio = torch.randn(2, 10 * 320) * 0.3
    frames = net(audio)
    assert frames.shape == (2, 10, DIM)
    torch.testing.assert_close(net(audio, torch.tensor([3200, 3200])), frames)
    masked = net(audio, torch.tensor([3200, 8 * 320 + 319]))
    torch.testing.assert_close(masked[0], frames[0])
    assert not torch.allclose(masked[1], frames[1])
    torch.testing.assert_close(masked[1, :8], net(audio[1:, : 8 * 320])[0], atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_the_summary_is_the_token_in_front_of_placed_frames() -> None:
    net = Summary(StackConfig(layers=2, heads=8, dim=DIM, feedforward=64)).eval()
    frames = torch.randn(2, 7, DIM)
    placed = frames + net.pos_encoder.scale * sinusoid(7, DIM, frames.device)
    token = net.cls_tokens.weight[None].repeat(2, 1, 1)
    torch.testing.assert_close(net(frames), net.encoder(torch.cat((token, placed), 1))[:, 0])


@torch.inference_mode()
def test_the_denoiser_reads_condition_time_and_latents_in_this_order() -> None:
    config = ae_config()
    net = SummaryAutoencoder(config).eval()
    x, z, t = torch.randn(2, 5, 8), torch.randn(2, DIM), torch.tensor([0.2, 0.9])
    v = net.velocity(x, t, z, net.encoder.pos_encoder)
    placed = net.in_adapter(x) + net.encoder.pos_encoder.scale * sinusoid(5, DIM, x.device)
    time = net.time_embedding[2](net.time_embedding[0](t[:, None]).relu())
    sequence = torch.cat((z[:, None], time[:, None], placed), 1)
    torch.testing.assert_close(v, net.out_adapter(net.denoiser(sequence)[:, 2:]))


@settings(max_examples=30, deadline=None)
@given(steps=st.integers(1, 120), seed=st.integers(0, 1000))
def test_the_sampler_returns_x0_where_v_is_exact(steps: int, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    clean = torch.randn(1, 6, 4, generator=random, dtype=torch.float64) * 5
    noise = torch.randn(1, 6, 4, generator=random, dtype=torch.float64)

    def exact(x: Tensor, t: float) -> Tensor:
        alpha, beta = math.cos(math.pi * t / 2), math.sin(math.pi * t / 2)
        torch.testing.assert_close(x, alpha * clean + beta * noise)  # it stays on the path
        return alpha * noise - beta * clean

    torch.testing.assert_close(sample(exact, noise, steps), clean, atol=1e-9, rtol=1e-9)


def test_the_sampler_asks_at_equal_times() -> None:
    times: list[float] = []

    def remember(x: Tensor, t: float) -> Tensor:
        times.append(t)
        return x

    sample(remember, torch.zeros(1, 2, 2), 4)
    assert times == [1.0, 0.75, 0.5, 0.25]


@torch.inference_mode()
def test_guidance() -> None:
    net = Denoiser(StackConfig(layers=1, heads=8, dim=DIM, feedforward=64), 8).eval()
    positions = ScaledSinusoid()
    x, z = torch.randn(1, 5, 8), torch.randn(1, DIM)
    time = torch.tensor([0.3])
    given_z = net.velocity(x, time, z, positions)
    without = net.velocity(x, time, torch.zeros_like(z), positions)
    assert not torch.allclose(given_z, without)
    torch.testing.assert_close(guided(net, positions, z, 0.0)(x, 0.3), given_z)
    for g in (1.0, 4.0):
        expected = given_z + g * (given_z - without)
        torch.testing.assert_close(guided(net, positions, z, g)(x, 0.3), expected, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize(("seconds", "frames"), [(4, 300), (10, 750)])
def test_segments_of_both_published_lengths(seconds: int, frames: int) -> None:
    published = autoencoder(seconds)
    assert (published.samples, published.frames) == (seconds * 24_000, frames)
    config = ae_config(seconds)
    net = SummaryAutoencoder(config).eval()
    assert net.encoder.encodecmae_model(torch.zeros(1, config.samples)).shape == (1, frames, DIM)
    z = net.encoder.embed(torch.zeros(1, config.samples))
    latents = sample(guided(net, net.encoder.pos_encoder, z, 1.0), torch.randn(1, frames, 8), 2)
    assert latents.shape == (1, frames, 8)
