"""Analysis by prototype models: one pass of the network for all, and reasons that add up."""

from __future__ import annotations

import numpy as np
import pytest
from prometheus_client import REGISTRY

from prototype_models import LABELS, class_wav
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Crop, ModelResult, Upload
from sonotype.plane.port import Plane
from sonotype.plane.query import AnalyzeQuery
from sonotype.plane.service import Service

pytestmark = pytest.mark.asyncio(loop_scope="module")


def clip(index: int = 1, seconds: float = 3.0, seed: int = 0) -> Upload:
    return Upload.of(class_wav(index, seconds, seed))


def patches_run() -> float:
    return REGISTRY.get_sample_value("sonotype_batch_items_sum", {"model": "fake@1"}) or 0.0


async def ask(plane: Service, upload: Upload, *models: str, **options: object) -> list[ModelResult]:
    query = AnalyzeQuery(models=models, **options)  # type: ignore[arg-type]
    return list((await plane.analyze(upload, query)).results)


async def test_the_service_is_a_plane(plane: Service) -> None:
    face: Plane = plane
    kinds = {info.card.name: (info.served, info.pulled, info.precision) for info in face.models()}
    assert kinds["plain"] == kinds["mute"] == kinds["fake"] == (True, True, "fp32")
    assert kinds["fake-chaos"] == (False, True, None)
    assert face.model("plain@1").card.labels == LABELS
    assert [info.card.name for info in face.models() if info.is_default] == ["fake"]


async def test_one_pass_of_the_network_feeds_every_head_and_the_network_itself(plane: Service) -> None:
    before = patches_run()
    upload = clip(1, 3.0, seed=1)
    results = await ask(plane, upload, "plain", "fake", "mute", "slow", "plain@1")
    assert [result.model for result in results] == ["plain@1", "fake@1", "mute@1", "slow@1"]
    assert patches_run() - before == 3
    assert [result.cached for result in results] == [False] * 4
    assert [result.cached for result in await ask(plane, upload, "plain", "fake")] == [True, True]
    assert [result.cached for result in await ask(plane, upload, "fake")] == [True], "the small answer is kept too"
    assert patches_run() - before == 3


async def test_the_classes_are_recognised_and_differ_from_the_tags(plane: Service) -> None:
    for index, label in enumerate(LABELS):
        plain, fake = await ask(plane, clip(index, 2.0, seed=2), "plain", "fake")
        assert plain.labels[int(plain.tags.argmax())] == label
        assert plain.tags.sum() == pytest.approx(1, abs=1e-5)
        assert (fake.labels, fake.reasons) != (plain.labels, None)
        assert fake.reasons is None
        assert plain.model_sha256 != fake.model_sha256


@pytest.mark.parametrize("model", ["plain", "slow", "mute"])
@pytest.mark.parametrize("seconds", [0.7, 1.0, 5.5])
async def test_the_ledger_sums_to_the_logits(plane: Service, model: str, seconds: float) -> None:
    (result,) = await ask(plane, clip(2, seconds, seed=3), model)
    reasons = result.reasons
    assert reasons is not None
    np.testing.assert_allclose(reasons.evidence.sum(axis=1) + reasons.baseline, reasons.logits, atol=1e-5)
    np.testing.assert_allclose(reasons.patch_evidence().mean(axis=0), reasons.evidence, atol=1e-5)
    np.testing.assert_allclose(reasons.patch_logits.mean(axis=0), reasons.logits, atol=1e-5)
    assert reasons.patch_similarity.shape == (result.patches.count, len(reasons.prototypes))
    assert result.taggram.shape == (result.patches.count, len(result.labels))
    assert len(result.starts_s) == result.patches.count
    head = plane._lineups.current.deployment.heads[model].classifier
    np.testing.assert_allclose(result.tags, head.probabilities(reasons.logits))
    np.testing.assert_allclose(result.taggram, head.probabilities(reasons.patch_logits))


async def test_hop_crop_and_embeddings_work_as_for_networks(plane: Service) -> None:
    upload = clip(0, 4.0, seed=4)
    options = {"hop_s": 0.5, "crop": Crop(1.0, 2.0), "embeddings": ("default",), "embedding_scope": "patches"}
    plain, fake = await ask(plane, upload, "plain", "fake", **options)
    assert (plain.patches, plain.patches.count, plain.patches.hop_s) == (fake.patches, 3, 0.5)
    np.testing.assert_array_equal(plain.patch_embeddings["vector"], fake.patch_embeddings["vector"])
    np.testing.assert_array_equal(plain.embeddings["vector"], fake.embeddings["vector"])
    (again,) = await ask(plane, upload, "plain")
    assert again.patch_embeddings == {}
    assert again.embeddings["vector"].shape == (16,)


async def test_without_the_cache_reasons_are_the_same(plane: Service) -> None:
    upload = clip(1, 2.0, seed=5)
    (first,) = await ask(plane, upload, "plain", use_cache=False)
    (second,) = await ask(plane, upload, "plain")
    assert first.reasons is not None
    assert second.reasons is not None
    np.testing.assert_array_equal(first.reasons.evidence, second.reasons.evidence)


async def test_a_strange_clip_is_told_from_the_training_data(plane: Service) -> None:
    silence = Upload.of(class_wav(12, 2.0))
    (result,) = await ask(plane, silence, "plain")
    assert result.reasons is not None
    assert result.reasons.out_of_distribution
    (result,) = await ask(plane, clip(1, 2.0, seed=6), "plain")
    assert result.reasons is not None
    assert not result.reasons.out_of_distribution


@pytest.mark.parametrize(("model", "code"), [("plain@2", Code.MODEL_NOT_FOUND), ("fake-chaos", Code.MODEL_NOT_FOUND)])
async def test_what_is_not_served_is_not_found(plane: Service, model: str, code: Code) -> None:
    with pytest.raises(SonotypeError) as caught:
        await ask(plane, clip(), model)
    assert caught.value.code is code


async def test_an_embedding_that_the_network_lacks_is_refused(plane: Service) -> None:
    with pytest.raises(SonotypeError) as caught:
        await ask(plane, clip(), "plain", embeddings=("nothing",))
    assert caught.value.code is Code.INVALID_REQUEST
