"""The decoder as it is served: one seed one sound, blocks that join, and refusals."""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from sonify_parts import DIM, SMALL, card_of, exported, small_decoder

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.card import PrototypeCard, read_any_card
from sonotype.models.card_parts import DecoderSpec
from sonotype.models.sonify.base import Pausing, load
from sonotype.models.sonify.flow_mel import FlowMelSonifier
from sonotype.training.model_folder import rewrite_card


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PrototypeCard]:
    path = tmp_path_factory.mktemp("model")
    return path, exported(path)


@pytest.fixture(scope="module")
def sonifier(folder: tuple[Path, PrototypeCard]) -> FlowMelSonifier:
    made = load(*folder)
    assert isinstance(made, FlowMelSonifier)
    return made


def one(dim: int = DIM) -> Floats:
    return np.linspace(-1, 1, dim, dtype=np.float32)


def whole(sonifier: FlowMelSonifier, vector: Floats, **options: float) -> Floats:
    return np.concatenate(list(sonifier.stream(vector, **options)))  # type: ignore[arg-type]


def test_a_segment_has_its_length_and_stays_within_full_scale(sonifier: FlowMelSonifier) -> None:
    blocks = list(sonifier.stream(one(), seed=3))
    assert [len(block) // 256 for block in blocks] == [3, 9, 12, 8]
    samples = np.concatenate(blocks)
    assert len(samples) == sonifier.segment_samples == SMALL.samples
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1.0


def test_the_seed_decides_the_sound(sonifier: FlowMelSonifier) -> None:
    first, again, other = (whole(sonifier, one(), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 1e-4


def test_embedding_steps_and_guidance_count(sonifier: FlowMelSonifier) -> None:
    base = whole(sonifier, one(), seed=0)
    for changed in (
        whole(sonifier, -one(), seed=0),
        whole(sonifier, one(), seed=0, steps=2),
        whole(sonifier, one(), seed=0, guidance=3.0),
    ):
        assert np.abs(base - changed).max() > 1e-5


def test_guidance_zero_is_the_conditional_flow_alone() -> None:
    decoder = small_decoder()
    vector, noise = torch.from_numpy(one())[None], decoder.noise(0)
    uniform = torch.linspace(0, 1, 6)
    x, times = noise, uniform / (uniform + decoder.options.shift * (1 - uniform))
    for start, end in pairwise(times):
        condition = decoder.flow.embed((vector - decoder.mean) / decoder.scale)
        x = x + (end - start) * decoder.flow(x, start[None], condition)
    assert torch.allclose(decoder.latents(vector, noise, 5, 0.0), x, atol=1e-5)


def test_weights_survive_export(sonifier: FlowMelSonifier) -> None:
    exact, kept = small_decoder().state_dict(), sonifier.network.state_dict()
    assert all(torch.allclose(kept[name], value, rtol=1e-3, atol=1e-4) for name, value in exact.items())


def test_the_table_beside_the_weights_is_the_card_s(folder: tuple[Path, PrototypeCard]) -> None:
    table = tomllib.loads((folder[0] / "decoder.toml").read_text())["decoder"]
    assert DecoderSpec.model_validate(table) == folder[1].decoder


def test_a_card_that_is_there_gets_the_table(folder: tuple[Path, PrototypeCard], tmp_path: Path) -> None:
    rewrite_card(tmp_path, folder[1].model_copy(update={"decoder": None}))
    exported(tmp_path)
    card = read_any_card(tmp_path / "card.toml")
    assert isinstance(card, PrototypeCard)
    assert card.decoder == folder[1].decoder
    assert not (tmp_path / "decoder.toml").exists()
    assert load(tmp_path, card).segment_samples == SMALL.samples


@pytest.mark.parametrize(
    "vector", [one(DIM - 1), np.full(DIM, np.nan, np.float32), np.full(DIM, np.inf, np.float32), one(DIM)[None]]
)
def test_a_vector_that_is_none_is_refused_before_any_work(sonifier: FlowMelSonifier, vector: Floats) -> None:
    with pytest.raises(SonotypeError) as caught:
        sonifier.stream(vector, seed=0)
    assert caught.value.code is Code.INVALID_REQUEST


def test_a_caller_may_leave_early_and_inference_mode_does_not_leak(sonifier: FlowMelSonifier) -> None:
    blocks = sonifier.stream(one(), seed=0)
    next(blocks)
    assert not torch.is_inference_mode_enabled()
    del blocks
    assert len(whole(sonifier, one(), seed=0)) == sonifier.segment_samples


def test_a_decoder_can_be_stopped_before_every_step(folder: tuple[Path, PrototypeCard]) -> None:
    sonifier, calls = load(*folder), list[int]()
    assert isinstance(sonifier, Pausing)

    def pause() -> None:
        calls.append(len(calls))
        if len(calls) == 8:
            raise InterruptedError

    sonifier.pause = pause
    list(sonifier.stream(one(), seed=0, steps=5))
    assert len(calls) == 5
    with pytest.raises(InterruptedError):
        next(iter(sonifier.stream(one(), seed=0, steps=5)))
    assert len(calls) == 8
    assert not torch.is_inference_mode_enabled()


def test_griffin_lim_stands_in_for_the_vocoder(folder: tuple[Path, PrototypeCard]) -> None:
    spec = folder[1].decoder
    assert spec is not None
    changed = spec.model_copy(update={"options": {**spec.options, "synthesis": "griffin-lim"}})
    sonifier = load(folder[0], card_of(changed))
    blocks = list(sonifier.stream(one(), seed=0))
    assert sum(map(len, blocks)) == sonifier.segment_samples


def _changed(card: PrototypeCard, **update: object) -> PrototypeCard:
    assert card.decoder is not None
    return card_of(card.decoder.model_copy(update=update))


def test_files_that_do_not_fit_are_named(folder: tuple[Path, PrototypeCard], tmp_path: Path) -> None:
    path, card = folder
    cases = [
        (tmp_path, card, Code.WEIGHTS_MISSING),
        (path, _changed(card, sha256="1" * 64), Code.WEIGHTS_CORRUPT),
        (path, _changed(card, dim=DIM + 1), Code.WEIGHTS_CORRUPT),
        (path, _changed(card, segment_samples=5), Code.WEIGHTS_CORRUPT),
        (path, _changed(card, options={"depth": 3}), Code.WEIGHTS_CORRUPT),
    ]
    for where, what, code in cases:
        with pytest.raises(SonotypeError) as caught:
            load(where, what)
        assert caught.value.code is code
    (tmp_path / "decoder.safetensors").write_bytes(b"\x10" * 40)
    with pytest.raises(SonotypeError) as caught:
        load(tmp_path, _changed(card, sha256=None))
    assert caught.value.code is Code.WEIGHTS_CORRUPT
