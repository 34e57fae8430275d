"""The MAEST module by itself: sizes, names, embeddings, positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from bench.maest.cards import make_card

from sonotype.core.types import Patchout
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.nets.maest import MAEST
from sonotype.models.patches import Patcher

TINY = {"width": 24, "depth": 3, "heads": 3}


def make_net(columns: int = 31, blocks: Sequence[int] = (2,), **changes: int) -> MAEST:
    torch.manual_seed(0)
    net = MAEST(7, columns=columns, blocks=blocks, **TINY | changes).eval().requires_grad_(False)
    for parameter in net.parameters():
        parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return net


def make_mel(frames: int, rows: int = 1) -> torch.Tensor:
    return torch.rand(rows, frames, 96, generator=torch.Generator().manual_seed(2)) * 4


@pytest.mark.parametrize(
    ("columns", "frames", "tokens"),
    [
        (31, 312, 272),
        (62, 625, 551),
        (125, 1250, 1118),
        (187, 1875, 1676),
        (31, 316, 281),
        (62, 626, 560),
        (125, 1256, 1127),
        (187, 1876, 1685),
        (187, 16, 11),
        (187, 1885, 1685),
    ],
)
def test_the_published_token_counts(columns: int, frames: int, tokens: int) -> None:
    assert make_net(columns).tokens(make_mel(frames)).shape == (1, tokens, 24)


@pytest.mark.parametrize(("every", "freq", "tokens"), [(2, 1, 848), (3, 1, 569), (4, 1, 425), (1, 2, 937), (2, 2, 472)])
def test_the_published_token_counts_after_patchout(every: int, freq: int, tokens: int) -> None:
    patchout = Patchout(time_every=every, freq_every=freq)
    assert make_net(187).tokens(make_mel(1876), patchout).shape[1] == tokens


@pytest.mark.parametrize("shape", [(1, 15, 96), (1, 326, 96), (1, 316, 95), (1, 316, 128), (1, 0, 96)])
def test_what_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="16 to 325 frames of 96 bands"):
        make_net()(torch.zeros(shape))


def test_parameters_have_the_published_number_and_names() -> None:
    with torch.device("meta"):
        net = MAEST()
    state = net.state_dict()
    assert sum(value.numel() for value in state.values()) == 86_023_712
    assert sum(value.numel() for name, value in state.items() if name.startswith("blocks.0.")) == 7_087_872
    shapes = {name: tuple(value.shape) for name, value in state.items() if not name.startswith("blocks.")}
    assert shapes == {
        "cls_token": (1, 1, 768),
        "dist_token": (1, 1, 768),
        "new_pos_embed": (1, 2, 768),
        "freq_new_pos_embed": (1, 768, 9, 1),
        "time_new_pos_embed": (1, 768, 1, 187),
        "patch_embed.proj.weight": (768, 1, 16, 16),
        "patch_embed.proj.bias": (768,),
        "norm.weight": (768,),
        "norm.bias": (768,),
        "head.0.weight": (768,),
        "head.0.bias": (768,),
        "head.1.weight": (400, 768),
        "head.1.bias": (400,),
        "head_dist.weight": (400, 768),
        "head_dist.bias": (400,),
    }
    assert {name.removeprefix("blocks.11.") for name in state if name.startswith("blocks.11.")} == {
        f"{part}.{kind}"
        for part in ("norm1", "norm2", "attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")
        for kind in ("weight", "bias")
    }


def test_the_second_classifier_can_be_missing() -> None:
    with torch.device("meta"):
        assert not [name for name in MAEST(head_dist=False).state_dict() if name.startswith("head_dist")]


@torch.inference_mode()
def test_every_block_and_token() -> None:
    out = make_net(blocks=(1, 2, 3))(make_mel(100, rows=2))
    assert out["tags"].shape == (2, 7)
    assert ((out["tags"] > 0) & (out["tags"] < 1)).all()
    assert out["last"].shape == (2, 24)
    for n in (1, 2, 3):
        parts = [out[f"block{n}-{name}"] for name in ("cls", "dist", "mean")]
        assert torch.equal(out[f"block{n}"], torch.cat(parts, dim=1))
        assert not torch.equal(parts[0], parts[1])


@torch.inference_mode()
def test_leaving_out_what_nobody_sees_of_the_last_block_changes_nothing() -> None:
    some, every = make_net(blocks=(2,)), make_net(blocks=(2, 3))
    for name, rows in some(make_mel(200)).items():
        torch.testing.assert_close(every(make_mel(200))[name], rows, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("blocks", [(0,), (4,), (-1,)])
def test_a_block_that_is_not_there_is_refused(blocks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="counted from 1 to 3"):
        make_net(blocks=blocks)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="5 heads do not divide"):
        make_net(heads=5)


@torch.inference_mode()
@pytest.mark.parametrize("size", [2, 5])
def test_a_row_does_not_depend_on_its_batch(size: int) -> None:
    net, mel = make_net(), make_mel(130, rows=size)
    together = net(mel, Patchout(time_every=2))
    for row in (0, size - 1):
        for name, rows in net(mel[row : row + 1], Patchout(time_every=2)).items():
            torch.testing.assert_close(together[name][row], rows[0], atol=1e-5, rtol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize(
    "patchout",
    [Patchout(time_every=3), Patchout(freq_every=2, freq_drop=2), Patchout(2, 2, 3, 1, seed=4)],
)
def test_what_stays_keeps_the_encodings_of_its_place(patchout: Patchout) -> None:
    net, mel = make_net(), make_mel(316)
    whole, left = net.tokens(mel)[0], net.tokens(mel, patchout)[0]
    for token in left:
        assert (whole - token).abs().amax(dim=1).min() < 1e-5
    assert len(left) < len(whole)


@torch.inference_mode()
def test_a_patchout_of_nothing_is_no_patchout() -> None:
    net, mel = make_net(), make_mel(200)
    assert torch.equal(net(mel)["tags"], net(mel, Patchout())["tags"])


@torch.inference_mode()
def test_tokens_run_along_time_first() -> None:
    net = make_net()
    mel = make_mel(316)
    changed = mel.clone()
    changed[:, -10:] += 1.0  # only the last of 31 columns sees them
    moved = (net.tokens(mel) != net.tokens(changed)).any(dim=2)[0].nonzero()[:, 0]
    assert moved.tolist() == [2 + row * 31 + 30 for row in range(9)]


def make_golden_samples() -> np.ndarray:
    time = np.arange(64000) / 16000
    noise = np.random.default_rng(0).standard_normal(64000)
    tones = 0.3 * np.sin(2 * np.pi * 440 * time) + 0.2 * np.sin(2 * np.pi * 3000 * time * (1 + 0.1 * time))
    return (tones + 0.05 * noise).astype(np.float32)


def test_the_front_end_equals_the_features_the_network_was_trained_on() -> None:
    card = make_card("maest", ["a"], {"columns": 187})
    spec = card.mel_frontends[card.default_frontend]
    patcher = Patcher(spec, card.patch.model_copy(update={"frames": 251, "hop_frames": 251}))
    windows = patcher.feed(make_golden_samples()) + patcher.finish()
    mel = LogMel(spec)(torch.from_numpy(windows[0].samples)[None])[0]
    assert (len(windows), mel.shape) == (1, (251, 96))
    expected = {
        0: [3.18709, 3.11440, 2.94387, 2.89117],
        10: [1.69713, 2.36863, 2.54311, 2.58469, 2.33687, 1.43303],
        250: [2.65591, 2.58525, 2.72015, 3.19834],
    }
    for frame, bands in expected.items():
        np.testing.assert_allclose(mel[frame, : len(bands)], bands, atol=2e-3)
    np.testing.assert_allclose([mel.mean(), mel.std(correction=0)], [2.24228, 0.76482], atol=2e-4)


def test_the_network_normalises_by_twice_the_deviation() -> None:
    net = make_net()
    flat = torch.full((1, 316, 96), 2.06755686098554)
    above = flat + 2 * 1.268292820667291
    kernel = net.patch_embed.proj.weight.sum((1, 2, 3))
    moved = net.tokens(above)[0, 2:] - net.tokens(flat)[0, 2:]
    torch.testing.assert_close(moved, kernel.expand_as(moved), atol=1e-4, rtol=1e-4)
