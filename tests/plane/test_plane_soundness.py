"""A file of weights that has changed on disk costs its own model, and no other."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from prototype_models import FAKES
from quality_kit import write_card
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import read_card
from sonotype.models.card_parts import WeightsSpec
from sonotype.models.registry import Registry
from sonotype.plane.deployment import choose_models
from versions_kit import write_head


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """The weights of a network `other`, on which a head `taste` stands."""
    data = b"numbers"
    spec = WeightsSpec(sha256=hashlib.sha256(data).hexdigest(), n_parameters=1)
    fake = read_card(FAKES / "fake" / "card.toml")
    card = write_card(tmp_path, fake.model_copy(update={"name": "other", "weights": spec}))
    write_head(tmp_path, "1", card)
    (tmp_path / "other" / "model.safetensors").write_bytes(data)
    return tmp_path / "other" / "model.safetensors"


def registry(weights: Path) -> Registry:
    return Registry([FAKES, weights.parents[1]], weights.parents[1] / "pulled", builtin=False)


def test_whole_weights_are_served(weights: Path) -> None:
    found = registry(weights)
    assert {"fake", "other", "taste"} <= set(choose_models(found, Settings(default_model="fake")).models)
    assert not [problem for problem in found.problems if problem.name in ("other", "taste")]


def test_damage_costs_the_model_and_its_heads_and_is_told(weights: Path) -> None:
    weights.write_bytes(b"nombers")
    found = registry(weights)
    served = choose_models(found, Settings(default_model="fake")).models
    assert "fake" in served
    assert not {"other", "taste"} & set(served)
    told = {problem.name: problem.reason for problem in found.problems}
    assert "changed on disk" in told["other"]
    assert "other@1" in told["taste"]
    assert len([problem for problem in found.problems if problem.name == "other"]) == 1


def test_who_names_a_damaged_model_is_told_at_the_start(weights: Path) -> None:
    weights.write_bytes(b"nombers")
    with pytest.raises(SonotypeError, match="changed on disk") as caught:
        choose_models(registry(weights), Settings(models=["fake", "other"]))
    assert caught.value.code is Code.WEIGHTS_CORRUPT
