"""Which prototype models can be served, what is reported of those that cannot, and what of them can be heard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prototype_models import FAKES, fake_backbone, make_model
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import PrototypeCard
from sonotype.models.card_parts import BackboneSpec
from sonotype.models.heads.provenance import Badge, Sampling
from sonotype.models.registry import Registry
from sonotype.plane.deployment import Deployment, choose_models
from sonotype.plane.heads import Head, load_head
from sonotype.plane.prototypes import Prototypes
from sonotype.plane.sonification import PrototypeInfo, Rendering
from sonotype.training.model_folder import card_text

DECODED, SEGMENT = Rendering("prototype", 0), Rendering("segment")


def registry(repository: Path) -> Registry:
    return Registry([FAKES, repository], repository / "weights", builtin=False)


def settings(**changes: Any) -> Settings:
    return Settings(model_path=[], **changes)


def rewrite(folder: Path, card: PrototypeCard, **changes: Any) -> None:
    (folder / "card.toml").write_text(card_text(card.model_copy(update=changes)), encoding="utf-8")


def refused(repository: Path, card: PrototypeCard) -> SonotypeError:
    found = registry(repository)
    with pytest.raises(SonotypeError) as caught:
        load_head(found, found.prototype_cards()[card.name])
    return caught.value


def load(repository: Path, name: str = "fake-prototypes") -> Head:
    found = registry(repository)
    return load_head(found, found.prototype_cards()[name])


def test_a_model_folder_is_served_at_once(tmp_path: Path) -> None:
    make_model(tmp_path)
    head = load(tmp_path)
    assert (head.backbone.name, head.embedding, head.can_sonify, head.notes) == ("fake", "vector", True, ())
    assert set(head.records) == set(head.classifier.ids)


def test_other_weights_of_the_network_are_not_good_enough(tmp_path: Path) -> None:
    card = make_model(tmp_path)
    backbone = BackboneSpec(model="fake", embedding="vector", sha256="0" * 64)
    rewrite(tmp_path / card.name, card, backbone=backbone)
    error = refused(tmp_path, card)
    assert error.code is Code.WEIGHTS_CORRUPT
    assert "other weights of fake" in error.detail


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"model": "nobody"}, Code.MODEL_NOT_FOUND, "not in any model repository"),
        ({"embedding": "nothing"}, Code.WEIGHTS_CORRUPT, "no embedding 'nothing'"),
        ({"embedding": "small"}, Code.WEIGHTS_CORRUPT, "16 numbers, the embedding 4"),
    ],
)
def test_a_card_must_fit_its_network(tmp_path: Path, changes: dict[str, str], code: Code, says: str) -> None:
    card = make_model(tmp_path)
    rewrite(tmp_path / card.name, card, backbone=card.backbone.model_copy(update=changes))
    error = refused(tmp_path, card)
    assert error.code is code
    assert says in error.detail


def test_a_network_that_is_not_pulled_is_named_with_the_command(tmp_path: Path) -> None:
    base = fake_backbone()
    folder = tmp_path / "distant"
    folder.mkdir()
    text = (FAKES / "fake" / "card.toml").read_text().replace('name = "fake"', 'name = "distant"', 1)
    text = text.replace('kind = "none"', f'kind = "https"\nurls = ["https://example.org/w"]\nsha256 = "{"1" * 64}"')
    (folder / "card.toml").write_text(text + f'\n[weights]\nsha256 = "{"2" * 64}"\nn_parameters = 1\n')
    card = make_model(tmp_path, backbone=base)
    rewrite(tmp_path / card.name, card, backbone=BackboneSpec(model="distant", embedding="vector", sha256="2" * 64))
    error = refused(tmp_path, card)
    assert error.code is Code.WEIGHTS_MISSING
    assert "models pull distant" in error.detail
    with pytest.raises(SonotypeError, match="models pull distant"):
        choose_models(registry(tmp_path), settings(models=[card.name]))
    assert list(choose_models(registry(tmp_path), settings()).heads) == []


def test_damaged_prototypes_are_a_problem_and_others_are_served(tmp_path: Path) -> None:
    card = make_model(tmp_path)
    make_model(tmp_path, name="good")
    path = tmp_path / card.name / "prototypes.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    found = registry(tmp_path)
    deployment = choose_models(found, settings())
    assert list(deployment.heads) == ["good"]
    assert set(deployment.networks) == {"fake", "fake-chaos"}
    assert [problem.name for problem in found.problems] == [card.name]
    path.unlink()
    assert not found.is_pulled(card)
    assert refused(tmp_path, card).code is Code.WEIGHTS_MISSING


def test_a_missing_decoder_silences_and_nothing_else(tmp_path: Path) -> None:
    card = make_model(tmp_path)
    assert card.decoder is not None
    rewrite(tmp_path / card.name, card, decoder=card.decoder.model_copy(update={"sha256": "3" * 64}))
    found = registry(tmp_path)
    head = choose_models(found, settings()).heads[card.name]
    assert not head.can_sonify
    assert "decoder.safetensors is missing" in found.problems[0].reason
    assert [info.renderings for info in Prototypes([head]).infos(None, None)] == [()] * 6


def test_provenance_of_other_prototypes_does_not_count(tmp_path: Path) -> None:
    card = make_model(tmp_path)
    path = tmp_path / card.name / "provenance.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"weights_sha256": "4" * 64}))
    head = load(tmp_path)
    assert (head.records, head.notes) == ({}, ("provenance.json is that of other prototypes",))
    path.write_text("{")
    assert load(tmp_path).notes == ("provenance.json cannot be read",)


def names(deployment: Deployment) -> tuple[list[str], list[str], str]:
    return list(deployment.networks), list(deployment.heads), deployment.default_model


def test_a_named_prototype_model_brings_its_network(tmp_path: Path) -> None:
    make_model(tmp_path)
    make_model(tmp_path, name="another")
    chosen = choose_models(registry(tmp_path), settings(models=["fake-prototypes"]))
    assert names(chosen) == (["fake"], ["fake-prototypes"], "fake")
    chosen = choose_models(registry(tmp_path), settings(models=["another", "fake"], default_model="another"))
    assert names(chosen) == (["fake"], ["another"], "another")
    with pytest.raises(SonotypeError) as caught:
        choose_models(registry(tmp_path), settings(models=["nobody"]))
    assert caught.value.code is Code.MODEL_NOT_FOUND


def badge(*, passed: bool) -> Badge:
    marks = dict.fromkeys(("cosine", "ceiling", "share", "retrieval", "classifier", "judge", "seeds"), 0.9)
    return Badge(passed=passed, failed=() if passed else ("cosine",), null_other=0.1, null_zero=0.1, **marks)


@pytest.mark.parametrize(
    ("passed", "segment", "decoder", "offered"),
    [
        (True, True, True, DECODED),
        (False, True, True, SEGMENT),
        (False, False, True, DECODED),
        (None, True, True, DECODED),
        (None, False, True, DECODED),
        (None, True, False, SEGMENT),
        (None, False, False, None),
    ],
)
def test_what_is_offered(
    tmp_path: Path, passed: bool | None, segment: bool, decoder: bool, offered: Rendering | None
) -> None:
    info = _info(tmp_path, passed, segment, decoder)
    assert info.offered == offered
    assert (SEGMENT in info.renderings) == segment
    assert (Rendering("medoid", 2) in info.renderings) == decoder


def _info(repository: Path, passed: bool | None, segment: bool, decoder: bool) -> PrototypeInfo:
    card = make_model(repository, decoder=decoder)
    folder = repository / card.name
    prototype_id = f"{card.name}.tenor-saxophone.1"
    if passed is not None:
        path = folder / "provenance.json"
        content = json.loads(path.read_text())
        for record in content["prototypes"]:
            record["prototype"] = badge(passed=passed).model_dump(mode="json")
        content["sampling"] = Sampling.of(card.decoder).model_dump(mode="json") if card.decoder else None
        path.write_text(json.dumps(content))
    if segment:
        (folder / "medoids").mkdir()
        (folder / "medoids" / f"{prototype_id}.ogg").write_bytes(b"OggS")
    return Prototypes([load(repository)]).get(prototype_id).info


_OTHER = "the badges of provenance.json are those of another decoder, or of other steps, guidance or options of it"


def test_badges_of_another_decoder_do_not_count(tmp_path: Path) -> None:
    info = _info(tmp_path, passed=False, segment=True, decoder=True)
    path = tmp_path / "fake-prototypes" / "provenance.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"decoder_sha256": "5" * 64}))
    head = load(tmp_path)
    assert head.notes == (_OTHER,)
    again = Prototypes([head]).get(info.id).info
    assert again.record is not None
    assert (again.record.prototype, again.offered) == (None, DECODED)


@pytest.mark.parametrize("change", [{"steps": 3}, {"guidance": 2.5}, {"options": {"delay_ms": 1.0}}])
def test_badges_do_not_outlive_a_change_of_how_the_decoder_samples(tmp_path: Path, change: dict[str, object]) -> None:
    info = _info(tmp_path, passed=True, segment=True, decoder=True)
    gated = load(tmp_path)
    assert (gated.notes, info.record is not None and info.record.prototype is not None) == ((), True)
    assert isinstance(gated.card, PrototypeCard)
    assert gated.card.decoder is not None
    changed = gated.card.model_copy(update={"decoder": gated.card.decoder.model_copy(update=change)})
    (gated.folder / "card.toml").write_text(card_text(changed))
    head = load(tmp_path)
    assert head.notes == (_OTHER,)
    again = Prototypes([head]).get(info.id).info
    assert again.record is not None
    assert again.record.prototype is None
