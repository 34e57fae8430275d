"""A commercial deployment serves nothing whose licence forbids that, nor a head on such a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from prototype_models import FAKES, make_model
from sonotype.core.errors import TABLE, Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card_parts import LicenceSpec
from sonotype.models.registry import Registry
from sonotype.models.repository import make_room_for_models, repositories
from sonotype.plane.changing import with_model
from sonotype.plane.deployment import choose_models
from sonotype.plane.licensing import check_licence, objection
from sonotype.training.model_folder import card_text
from versions_kit import write_head, write_network

FREE = LicenceSpec(spdx="Apache-2.0", commercial=True, holder="us")
CLOSED = LicenceSpec(spdx="CC-BY-NC-SA-4.0", commercial=False, holder="them")


def prototypes(folder: Path, licence: LicenceSpec) -> str:
    """A prototype model of some licence on the fake network; its name."""
    card = make_model(folder)
    changed = card.model_copy(update={"licence": licence})
    (folder / card.name / "card.toml").write_text(card_text(changed), encoding="utf-8")
    return card.name


def registry(folder: Path) -> Registry:
    return Registry([FAKES, folder], folder / "weights", builtin=False)


def close(found: Registry, name: str) -> None:
    """Put the network `name` under terms that forbid commercial use."""
    cards = found._cards
    cards[name] = cards[name].model_copy(update={"licence": CLOSED})


def test_who_names_a_forbidden_model_is_refused_with_its_name(tmp_path: Path) -> None:
    name = prototypes(tmp_path, CLOSED)
    with pytest.raises(SonotypeError) as caught:
        choose_models(registry(tmp_path), Settings(models=["fake", name], commercial=True))
    assert caught.value.code is Code.FORBIDDEN
    assert TABLE[caught.value.code].http == 403
    assert name in caught.value.detail
    assert "CC-BY-NC-SA-4.0" in caught.value.detail


def test_the_others_are_served_and_the_forbidden_one_is_reported(tmp_path: Path) -> None:
    name = prototypes(tmp_path, CLOSED)
    found = registry(tmp_path)
    deployment = choose_models(found, Settings(commercial=True))
    assert "fake" in deployment.networks
    assert deployment.served(name) is None
    assert [p.reason for p in found.problems if p.name == name] == [
        f"{name} is under CC-BY-NC-SA-4.0, not for commercial use, and this deployment is commercial."
    ]


def test_a_head_falls_with_its_network(tmp_path: Path) -> None:
    name = prototypes(tmp_path, FREE)
    found = registry(tmp_path)
    close(found, "fake")
    settings = Settings(commercial=True)
    assert choose_models(found, settings).served(name) is None
    reason = objection(found, settings, found.find(name))
    assert reason is not None
    assert "stands on fake" in reason
    with pytest.raises(SonotypeError, match="stands on fake"):
        check_licence(found, settings, found.find(name))
    with pytest.raises(SonotypeError, match="stands on fake"):
        choose_models(found, settings.model_copy(update={"models": [name]}))


def test_who_earns_nothing_may_serve_everything(tmp_path: Path) -> None:
    name = prototypes(tmp_path, CLOSED)
    found = registry(tmp_path)
    assert choose_models(found, Settings()).served(name) is not None
    assert found.problems == ()


def test_pulled_models_join_the_repositories_once_there_are_any(tmp_path: Path) -> None:
    settings = Settings(model_path=[tmp_path / "mine"], data_dir=tmp_path / "data")
    assert repositories(settings) == [tmp_path / "mine"]
    make_room_for_models(settings)
    make_room_for_models(settings)
    assert repositories(settings) == [tmp_path / "mine", tmp_path / "data" / "models"]


def test_a_folder_that_is_being_written_is_no_model(tmp_path: Path) -> None:
    name = prototypes(tmp_path, FREE)
    (tmp_path / ".unfinished-1").mkdir()
    (tmp_path / name).rename(tmp_path / ".unfinished-1" / name)
    found = registry(tmp_path)
    assert found.prototype_cards() == {}
    assert found.problems == ()


def test_a_head_does_not_come_back_with_its_network_under_other_terms(tmp_path: Path) -> None:
    write_head(tmp_path, "1", write_network(tmp_path, "1"), licence=CLOSED)
    write_head(tmp_path, "2", write_network(tmp_path, "2"), licence=FREE)
    for commercial in (False, True):
        found, settings = Registry([tmp_path], tmp_path, builtin=False), Settings(commercial=commercial)
        deployment = choose_models(found, settings)
        found.pin("net", "1")
        if commercial:
            with pytest.raises(SonotypeError) as caught:
                with_model(found, settings, deployment, "net")
            assert caught.value.code is Code.CONFLICT
        else:
            assert with_model(found, settings, deployment, "net").version("taste") == "1"


def test_a_head_names_its_network_without_a_version(tmp_path: Path) -> None:
    write_head(tmp_path, "1", write_network(tmp_path, "1"))
    path = tmp_path / "taste" / "1" / "card.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('model = "net"', 'model = "net@1"'), encoding="utf-8")
    found = Registry([tmp_path], tmp_path, builtin=False)
    assert found.head_cards() == {}, "its terms would be looked up under another name than its network"
    assert [problem.name for problem in found.problems] == ["taste/1"]
