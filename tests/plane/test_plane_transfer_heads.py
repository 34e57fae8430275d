"""Transfer heads in the plane: one pass feeds all, front end and hop of the card count, and misfits are named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from prototype_models import FAKES, LABELS, class_wav, make_model
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import ModelResult, PatchReport, Upload
from sonotype.main import open_plane
from sonotype.models.card import HeadCard
from sonotype.models.registry import Registry
from sonotype.plane.catalog.describe import describe, describe_embedding
from sonotype.plane.catalog.space import choose_labellers
from sonotype.plane.deployment import choose_models
from sonotype.plane.explain import by_layers
from sonotype.plane.heads import Head, TransferModel, load_head
from sonotype.plane.query import AnalyzeQuery
from sonotype.plane.service import Service
from sonotype.plane.sonification import SonifyQuery
from sonotype.training.model_folder import card_text
from transfer_heads import make_head

pytestmark = pytest.mark.asyncio(loop_scope="module")


def write_models(repository: Path) -> None:
    make_head(repository, name="loud")
    make_head(repository, name="level", task="regression")
    make_head(repository, name="several", task="multilabel", frontend="zero", hop_s=0.5)
    make_model(repository, name="plain")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def heads(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    folder = tmp_path_factory.mktemp("heads")
    (folder / "models").mkdir()
    write_models(folder / "models")
    settings = Settings(
        model_path=[FAKES, folder / "models"],
        models=["fake", "loud", "level", "several", "plain"],
        data_dir=folder / "data",
        weights_dir=folder / "weights",
        devices="cpu:1",
        decode_workers=1,
        sonify_threads=1,
    )
    async with open_plane(settings) as opened:
        await opened.wait_ready()
        yield opened


async def ask(plane: Service, upload: Upload, *models: str, **options: Any) -> list[ModelResult]:
    return list((await plane.analyze(upload, AnalyzeQuery(models=models, **options))).results)


def patches_run() -> float:
    return REGISTRY.get_sample_value("sonotype_batch_items_sum", {"model": "fake@1"}) or 0.0


async def test_one_pass_feeds_the_network_and_heads_of_both_kinds(heads: Service) -> None:
    upload, before = Upload.of(class_wav(1, 3.0, seed=21)), patches_run()
    results = await ask(heads, upload, "loud", "level", "fake", "plain")
    assert [result.model for result in results] == ["loud@1", "level@1", "fake@1", "plain@1"]
    assert patches_run() - before == 3
    assert [result.task for result in results] == ["multiclass", "regression", "multilabel", "multiclass"]
    assert [result.cached for result in await ask(heads, upload, "level", "loud")] == [True, True]
    assert patches_run() - before == 3


async def test_predictions_of_a_clip_are_the_mean_of_its_patches(heads: Service) -> None:
    levels = []
    for index in (0, 2):
        loud, level = await ask(heads, Upload.of(class_wav(index, 3.0, seed=22)), "loud", "level")
        assert loud.labels[int(loud.tags.argmax())] == LABELS[index]
        assert (loud.reasons, loud.taggram.shape) == (None, (3, 3))
        np.testing.assert_allclose(loud.tags, loud.taggram.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(loud.taggram.sum(axis=1), 1, atol=1e-5)
        levels.append(float(level.tags[0]))
    assert levels[0] < 0 < levels[1], "values are as they are, below zero too"


async def test_front_end_and_hop_of_the_card_count_unless_the_caller_says_otherwise(heads: Service) -> None:
    upload = Upload.of(class_wav(0, 3.0, seed=23))
    several, loud = await ask(heads, upload, "several", "loud")
    assert (several.frontend, several.patches.hop_s, several.patches.count) == ("zero", 0.5, 5)
    assert (loud.frontend, loud.patches.hop_s) == ("plain", 1.0)
    (asked,) = await ask(heads, upload, "several", frontend="plain", hop_s=1.0)
    assert (asked.frontend, asked.patches.hop_s) == ("plain", 1.0)


async def test_a_transfer_head_has_no_prototypes_and_cannot_be_heard(heads: Service) -> None:
    assert heads.prototypes("loud") == []
    assert {info.model for info in heads.prototypes()} == {"plain@1"}
    with pytest.raises(SonotypeError, match="loud is a transfer head; only prototype models"):
        async with heads.sonify(SonifyQuery(model="loud", embedding=(0.0,) * 16)):
            pass


def refused(repository: Path, card: HeadCard, **changes: Any) -> SonotypeError:
    (repository / card.name / "card.toml").write_text(card_text(card.model_copy(update=changes)), encoding="utf-8")
    found = Registry([FAKES, repository], repository / "weights", builtin=False)
    with pytest.raises(SonotypeError) as caught:
        load_head(found, found.head_cards()[card.name])
    return caught.value


@pytest.mark.parametrize(
    ("backbone", "code", "says"),
    [
        ({"model": "nobody"}, Code.MODEL_NOT_FOUND, "not in any model repository"),
        ({"model": "fake-chaos"}, Code.WEIGHTS_CORRUPT, "other weights of fake-chaos"),
        ({"sha256": "0" * 64}, Code.WEIGHTS_CORRUPT, "other weights of fake"),
        ({"embedding": "nothing"}, Code.WEIGHTS_CORRUPT, "no embedding 'nothing'"),
        ({"embedding": "small"}, Code.WEIGHTS_CORRUPT, "takes 16 numbers, the embedding 4"),
    ],
)
async def test_a_head_for_another_backbone_is_refused(
    tmp_path: Path, backbone: dict[str, str], code: Code, says: str
) -> None:
    card = make_head(tmp_path)
    error = refused(tmp_path, card, backbone=card.backbone.model_copy(update=backbone))
    assert (error.code, says in error.detail) == (code, True), error.detail


async def test_an_unknown_front_end_is_refused(tmp_path: Path) -> None:
    assert "no front end 'odd'" in refused(tmp_path, make_head(tmp_path), frontend="odd").detail


async def test_a_damaged_head_is_a_problem_and_others_are_served(tmp_path: Path) -> None:
    make_head(tmp_path, name="good")
    make_head(tmp_path, name="bad")
    (tmp_path / "bad" / "head.safetensors").write_bytes(b"nonsense")
    found = Registry([FAKES, tmp_path], tmp_path / "weights", builtin=False)
    deployment = choose_models(found, Settings(model_path=[]))
    assert list(deployment.heads) == ["good"]
    assert isinstance(deployment.heads["good"], TransferModel)
    assert [problem.name for problem in found.problems] == ["bad"]


async def test_tracks_keep_labels_and_no_values(tmp_path: Path) -> None:
    write_models(tmp_path)
    found = Registry([FAKES, tmp_path], tmp_path / "weights", builtin=False)
    deployment = choose_models(found, Settings(model_path=[], default_model="fake"))
    assert choose_labellers(deployment, ()) == ("fake", "loud", "plain", "several")
    vector = np.zeros(16, dtype=np.float32)
    by_hand: list[Head] = list(deployment.heads.values())
    assert {label.model for label in describe_embedding(by_hand, vector)[0]} <= {"loud@1", "plain@1", "several@1"}
    values = _result(np.zeros((1, 16), dtype=np.float32))
    level = deployment.heads["level"].explain(values)
    assert describe([level]) == ((), ())


async def test_a_last_patch_that_overlaps_counts_by_what_it_adds(tmp_path: Path) -> None:
    make_head(tmp_path, task="regression")
    found = Registry([FAKES, tmp_path], tmp_path / "weights", builtin=False)
    head = load_head(found, found.head_cards()["fake-head"])
    assert isinstance(head, TransferModel)
    rows = np.random.default_rng(0).normal(size=(2, 16)).astype(np.float32)
    result = by_layers(head.classifier, _result(rows, overlap_s=0.75))
    first, last = head.classifier.predict(rows)[:, 0]
    assert result.tags[0] == pytest.approx((first + 0.25 * last) / 1.25, rel=1e-4)


def _result(rows: Any, overlap_s: float = 0.0) -> ModelResult:
    return ModelResult(
        model="fake@1",
        model_sha256="",
        frontend="plain",
        precision="fp32",
        labels=(),
        tags=np.zeros(0, dtype=np.float32),
        taggram=np.zeros((len(rows), 0), dtype=np.float32),
        starts_s=np.zeros(len(rows), dtype=np.float32),
        embeddings={},
        patch_embeddings={"vector": rows},
        patches=PatchReport(len(rows), 1.0, 1.0, "align", "repeat", 0.0, 0.0, overlap_s),
    )
