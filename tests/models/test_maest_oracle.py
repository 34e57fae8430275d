"""Our MAEST against the published package with the same random weights, at reduced depth.

The whole grid, twelve blocks and batches of eight included, is `python -m bench maest --parity`; docs/maest.md has its
figures.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor

pytest.importorskip("maest_infer")

from bench.maest import oracle as published

from sonotype.core.types import Patchout
from sonotype.models.nets.maest import MAEST

Pair = tuple[torch.nn.Module, MAEST]
FRAMES = {5: 316, 10: 626, 20: 1256, 30: 1876}


@pytest.fixture(scope="module")
def pair() -> Callable[[int], Pair]:
    """A function from a length in seconds to the oracle and ours."""
    depths = {5: 2, 10: 1, 20: 1, 30: 1}
    return cache(lambda seconds: published.make_pair(seconds, depths[seconds]))


def make_mel(rows: int, frames: int) -> Tensor:
    return torch.rand(rows, frames, 96, generator=torch.Generator().manual_seed(frames)) * 4


def assert_equal(pair: Pair, mel: Tensor, patchout: Patchout | None) -> None:
    with torch.inference_mode():
        theirs = published.ask(pair[0], mel, patchout)
        ours = published.answer(pair[1], mel, patchout)
    assert len(theirs) == 2 + len(pair[1].blocks)
    for name, expected in theirs.items():
        assert (ours[name] - expected).abs().max() < 1e-4, name
    assert theirs["logits"].std() > 0.05  # they are about something


@pytest.mark.parametrize("seconds", [5, 10, 20, 30])
def test_whole_patches_of_every_length(seconds: int, pair: Callable[[int], Pair]) -> None:
    assert_equal(pair(seconds), make_mel(1, FRAMES[seconds]), None)


@pytest.mark.parametrize("seconds", [5, 10, 20, 30])
@pytest.mark.parametrize(
    "patchout",
    [
        Patchout(time_every=4),
        Patchout(time_every=3, freq_every=2),
        Patchout(time_every=2, freq_every=3, time_drop=5, freq_drop=1),
        Patchout(time_drop=22, freq_drop=5, seed=7),
    ],
    ids=["time", "both", "steps-and-counts", "random"],
)
def test_patchout_of_every_length(seconds: int, patchout: Patchout, pair: Callable[[int], Pair]) -> None:
    assert_equal(pair(seconds), make_mel(1, FRAMES[seconds]), patchout)


@pytest.mark.parametrize("patchout", [None, Patchout(time_every=2)], ids=["whole", "patchout"])
def test_a_batch_of_eight(patchout: Patchout | None, pair: Callable[[int], Pair]) -> None:
    assert_equal(pair(5), make_mel(8, 156), patchout)


@pytest.mark.parametrize("frames", [16, 25, 26, 130, 316, 325])
def test_any_number_of_frames_up_to_the_encodings(frames: int, pair: Callable[[int], Pair]) -> None:
    assert_equal(pair(5), make_mel(2, frames), None)


@torch.inference_mode()
def test_blocks_are_counted_from_one_here_and_from_zero_there(pair: Callable[[int], Pair]) -> None:
    oracle, ours = pair(5)
    mel = make_mel(1, 126)
    for number in (1, 2):
        theirs = published.ask_block(oracle, mel, number)
        torch.testing.assert_close(ours(mel)[f"block{number}"], theirs, atol=1e-4, rtol=0)


def test_the_label_sets(pair: Callable[[int], Pair]) -> None:
    assert [pair(seconds)[1].head[1].out_features for seconds in (5, 10, 20, 30)] == [400, 400, 400, 519]
