"""The head in numpy: the ledger adds up, and its numbers are those of the formula."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import prototype_models as maker
from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import PrototypeCard
from sonotype.models.heads.names import prototype_ids
from sonotype.models.heads.prototypes import PrototypeHead
from sonotype.models.heads.provenance import read_provenance
from sonotype.models.registry import Registry


def random_head(classes: int, per_class: int, dim: int, seed: int, *, multilabel: bool = False) -> PrototypeHead:
    arrays = maker.random_arrays(classes, per_class, dim, seed)
    labels = tuple(f"class {index}" for index in range(classes))
    return PrototypeHead(maker.make_card(arrays, labels, multilabel=multilabel), arrays)


@settings(max_examples=150, deadline=None)
@given(
    classes=st.integers(2, 12),
    per_class=st.integers(1, 10),
    dim=st.integers(1, 300),
    patches=st.integers(1, 20),
    seed=st.integers(0, 2**32 - 1),
    multilabel=st.booleans(),
)
def test_ledger_sums_to_logits(
    *, classes: int, per_class: int, dim: int, patches: int, seed: int, multilabel: bool
) -> None:
    head = random_head(classes, per_class, dim, seed, multilabel=multilabel)
    near = head.raw_prototypes()[np.random.default_rng(seed).integers(0, classes * per_class, patches)]
    x = near + np.random.default_rng(seed + 1).normal(scale=0.3, size=near.shape).astype(np.float32)
    reasons = head.explain(x)
    assert reasons.evidence.dtype == reasons.logits.dtype == np.float32
    np.testing.assert_allclose(reasons.evidence.sum(axis=1) + reasons.baseline, reasons.logits, rtol=0, atol=1e-5)
    np.testing.assert_allclose(reasons.patch_evidence().mean(axis=0), reasons.evidence, rtol=0, atol=1e-5)
    np.testing.assert_allclose(reasons.patch_logits.mean(axis=0), reasons.logits, rtol=0, atol=1e-5)
    probabilities = head.probabilities(reasons.logits)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert multilabel or probabilities.sum() == pytest.approx(1.0, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(patches=st.integers(1, 30), spread=st.floats(0.0, 20.0), seed=st.integers(0, 2**32 - 1))
def test_ledger_of_every_shipped_model_sums_to_its_logits(patches: int, spread: float, seed: int) -> None:
    registry = Registry([], Path())
    heads = [PrototypeHead.load(registry.folder(card), card) for card in registry.prototype_cards().values()]
    assert heads
    for head in heads:
        random = np.random.default_rng(seed)
        x = head.medoids[random.integers(0, len(head.ids), patches)]
        reasons = head.explain(x + random.normal(scale=spread, size=x.shape).astype(np.float32) * head.arrays.scale)
        np.testing.assert_allclose(reasons.evidence.sum(axis=1) + reasons.baseline, reasons.logits, rtol=0, atol=1e-5)


def test_numbers_are_those_of_the_formula() -> None:
    head = random_head(3, 2, 5, 7)
    a, x = head.arrays, np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)
    for n in range(4):
        z = (x[n] - a.mean) / a.scale
        similarity = np.array([np.exp(-a.gamma[j] * ((z - a.prototypes[j]) ** 2).sum()) for j in range(6)])
        np.testing.assert_allclose(head.similarities(x)[n], similarity, rtol=1e-5)
        np.testing.assert_allclose(head.logits(x)[n], a.weight @ similarity + a.bias, rtol=1e-4, atol=1e-6)


def test_a_prototype_is_most_similar_to_itself() -> None:
    head = random_head(4, 3, 20, 3)
    similarities = head.similarities(head.raw_prototypes())
    assert (similarities.argmax(axis=1) == np.arange(12)).all()
    np.testing.assert_allclose(np.diag(similarities), 1.0, atol=1e-5)
    assert head.nearest(head.explain(head.raw_prototypes()[5:6]), 3)[0] == 5


def test_gradients_are_those_of_finite_differences() -> None:
    head = random_head(3, 2, 4, 5)
    z = head.normalise(head.raw_prototypes())[1] + 0.3
    for axis in range(4):
        step = np.eye(4)[axis] * 1e-5
        slope = (head.logits_at((z + step)[None]) - head.logits_at((z - step)[None]))[0] / 2e-5
        np.testing.assert_allclose(head.logit_gradients(z)[:, axis], slope, rtol=1e-5, atol=1e-8)


def test_far_away_is_out_of_distribution(tmp_path: Path) -> None:
    head = PrototypeHead.load(tmp_path / "fake-prototypes", maker.make_model(tmp_path))
    assert not head.explain(head.medoids[:2]).out_of_distribution
    assert head.explain(head.medoids[:2] + 100.0).out_of_distribution
    mixed = np.concatenate([head.medoids[:3], head.medoids[:1] + 100.0])
    assert not head.explain(mixed).out_of_distribution, "one odd patch of four does not make the clip odd"


@pytest.mark.parametrize("bad", [np.zeros((0, 5)), np.zeros((2, 4)), np.zeros(5), np.full((1, 5), np.nan)])
def test_bad_embeddings_are_refused(bad: np.ndarray) -> None:
    head = random_head(2, 1, 5, 0)
    with pytest.raises(SonotypeError) as caught:
        head.explain(bad.astype(np.float32))
    assert caught.value.code == Code.INVALID_REQUEST


def test_ids_are_readable_and_unique() -> None:
    labels = ("Tenor Saxophone", "R&B", "R/B", "шум", "Électro")
    ids = prototype_ids("m", labels, [0, 0, 1, 2, 3, 4])
    assert ids == ("m.tenor-saxophone.0", "m.tenor-saxophone.1", "m.r-b-1.0", "m.r-b-2.0", "m.class-3.0", "m.electro.0")


def test_model_folder_round_trip(tmp_path: Path) -> None:
    card = maker.make_model(tmp_path, delay_ms=2.5)
    registry = Registry([maker.FAKES, tmp_path], tmp_path, builtin=False)
    assert registry.find("fake-prototypes") == card
    head = PrototypeHead.load(registry.folder(card), card)
    provenance = read_provenance(tmp_path / card.name / "provenance.json")
    assert tuple(record.id for record in provenance.prototypes) == head.ids
    np.testing.assert_allclose(head.raw_prototypes(), head.medoids, atol=1e-5)
    assert (head.logits(head.medoids).argmax(axis=1) == head.owners).all()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_provenance_holds_finite_numbers_only(tmp_path: Path, number: str) -> None:
    card = maker.make_model(tmp_path)
    path = tmp_path / card.name / "provenance.json"
    text, count = re.subn(r'"purity":\s*[0-9.]+', f'"purity": {number}', path.read_text(), count=1)
    assert count == 1
    path.write_text(text)
    with pytest.raises(ValueError, match="purity"):
        read_provenance(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"labels": ()}, "labels"),
        ({"labels": ("piano",)}, "two labels"),
        ({"seeds": (0, -1)}, "seeds"),
        ({"decoder": {"dim": 0}}, "dim"),
        ({"decoder": {"sample_rate_hz": 0}}, "sample_rate_hz"),
        ({"decoder": {"segment_samples": -1}}, "segment_samples"),
        ({"decoder": {"n_parameters": -1}}, "n_parameters"),
    ],
)
def test_cards_that_nothing_can_be_made_of_are_refused(change: dict[str, Any], says: str) -> None:
    fields = maker.make_card(maker.random_arrays(3, 2, 4)).model_dump()
    assert PrototypeCard.model_validate(fields)
    if "decoder" in change:
        change = {"decoder": fields["decoder"] | change["decoder"]}
    with pytest.raises(ValueError, match=says):
        PrototypeCard.model_validate(fields | change)


def test_one_label_is_enough_where_it_may_apply_or_not() -> None:
    fields = maker.make_card(maker.random_arrays(3, 2, 4), multilabel=True).model_dump()
    assert PrototypeCard.model_validate(fields | {"labels": ("piano",)}).labels == ("piano",)


def test_corrupt_weights_are_refused(tmp_path: Path) -> None:
    card = maker.make_model(tmp_path)
    file = tmp_path / card.name / "prototypes.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x7f")
    refused(tmp_path / card.name, card, Code.WEIGHTS_CORRUPT, "hash")
    file.unlink()
    refused(tmp_path / card.name, card, Code.WEIGHTS_MISSING, "not there")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bias": np.zeros(7, dtype=np.float32)}, "shape"),
        ({"gamma": np.zeros(6, dtype=np.float32)}, "positive"),
        ({"mean": np.full(16, np.nan, dtype=np.float32)}, "not finite"),
        ({"owners": np.array([2, 1, 1, 0, 0, 0])}, "sorted"),
        ({"owners": np.arange(6)}, "does not have"),
        ({"weight": np.zeros((3, 6))}, "float32"),
    ],
)
def test_impossible_numbers_are_refused(tmp_path: Path, change: dict[str, np.ndarray], words: str) -> None:
    arrays = replace(maker.fitted_arrays(), **change)
    card = maker.make_card(arrays)
    (tmp_path / "prototypes.safetensors").write_bytes(arrays.to_bytes())
    refused(tmp_path, card, Code.WEIGHTS_CORRUPT, words)


def test_other_files_are_refused(tmp_path: Path) -> None:
    card = maker.make_card(maker.fitted_arrays())
    (tmp_path / "prototypes.safetensors").write_bytes(b"no")
    weights = card.weights.model_copy(update={"sha256": hashlib.sha256(b"no").hexdigest()})
    refused(tmp_path, card.model_copy(update={"weights": weights}), Code.WEIGHTS_CORRUPT, "no safetensors")


def test_heads_need_no_torch() -> None:
    code = (
        "import sys, sonotype.models.heads.counterfactual as c; print(sorted({'torch', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def refused(folder: Path, card: object, code: Code, words: str) -> None:
    with pytest.raises(SonotypeError) as caught:
        PrototypeHead.load(folder, card)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert words in caught.value.detail
