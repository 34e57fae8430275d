"""Patchout and the ends of clips with a narrow MAEST of random weights, through a real worker."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from safetensors.numpy import save

from harness import RATE_HZ, tone
from quality_kit import write_card
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import ModelResult, Patchout, Upload
from sonotype.evaluation.embedding import Embedder
from sonotype.main import open_plane
from sonotype.models.card import Card
from sonotype.models.card_parts import WeightsSpec
from sonotype.models.zoo.maest_card import maest_card
from sonotype.models.zoo.maest_state import Geometry, count, shapes
from sonotype.plane.query import AnalyzeQuery
from sonotype.plane.service import Service

pytestmark = pytest.mark.asyncio(loop_scope="module")

GEOMETRY = Geometry(n_labels=6, columns=31, width=48, depth=2, heads=4)
PATCH_S, HOP_S = 316 * 0.016, 313 * 0.016


def write_model(folder: Path) -> Card:
    rng = np.random.default_rng(0)
    state = {name: rng.normal(scale=0.3, size=shape).astype(np.float32) for name, shape in shapes(GEOMETRY).items()}
    data = save(state)
    weights = WeightsSpec(sha256=hashlib.sha256(data).hexdigest(), n_parameters=count(GEOMETRY))
    labels = tuple(f"Genre---{name}" for name in "abcdef")
    card = maest_card("narrow", GEOMETRY, labels=labels, weights=weights)
    write_card(folder, card)
    (folder / "narrow" / "model.safetensors").write_bytes(data)
    return card


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("maest")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plane(folder: Path) -> AsyncIterator[Service]:
    write_model(folder / "models")
    settings = Settings(
        model_path=[folder / "models"],
        models=["narrow"],
        data_dir=folder / "data",
        weights_dir=folder / "weights",
        devices="cpu:1",
        decode_workers=1,
        precision="fp32",
        deadline_s=120,
    )
    async with open_plane(settings) as opened:
        await opened.wait_ready()
        yield opened


async def ask(plane: Service, upload: Upload, **options: object) -> ModelResult:
    query = AnalyzeQuery(models=("narrow",), use_cache=False, embedding_scope="patches", **options)  # type: ignore[arg-type]
    return (await plane.analyze(upload, query)).results[0]


def distance(one: ModelResult, other: ModelResult, name: str = "block2") -> float:
    return float(np.abs(one.patch_embeddings[name] - other.patch_embeddings[name]).max())


async def test_fast_is_another_answer_and_always_the_same(plane: Service) -> None:
    upload = Upload.of(tone(11.0, seed=1))
    full, fast, again = [await ask(plane, upload, quality=quality) for quality in ("full", "fast", "fast")]
    assert (fast.quality, fast.patchout, full.patchout) == ("fast", Patchout(time_every=4), None)
    assert distance(full, fast) > 1e-3
    np.testing.assert_array_equal(fast.tags, again.tags)
    assert fast.patches == full.patches


async def test_company_with_other_patchouts_changes_nothing(plane: Service) -> None:
    upload = Upload.of(tone(6.0, seed=2))
    alone = await ask(plane, upload, quality="fast")
    company = [ask(plane, Upload.of(tone(1.0 + i, seed=10 + i)), patchout_time=2 * i) for i in range(4)]
    crowded, *_ = await asyncio.gather(ask(plane, upload, quality="fast"), *company)
    assert distance(alone, crowded) < 1e-4
    np.testing.assert_allclose(alone.tags, crowded.tags, atol=1e-5)


async def test_a_longer_clip_is_heard_to_its_end(plane: Service, folder: Path) -> None:
    upload = Upload.of(tone(8.0, seed=3))
    result = await ask(plane, upload)
    assert (result.patches.count, result.patches.tail, result.patches.dropped_s) == (2, "align", 0.0)
    np.testing.assert_allclose(result.starts_s, [0, 8.0 - PATCH_S + 0.016], atol=0.009)
    assert result.patches.overlap_s == pytest.approx(PATCH_S - float(result.starts_s[1]), abs=1e-4)
    second = (PATCH_S - result.patches.overlap_s) / HOP_S
    mean = np.average(result.taggram, axis=0, weights=[1, second])
    np.testing.assert_allclose(result.tags, mean, rtol=1e-5)
    assert_as_offline(result, upload, folder)


async def test_a_shorter_clip_is_heard_as_it_is(plane: Service, folder: Path) -> None:
    upload = Upload.of(tone(1.7, seed=4))
    result = await ask(plane, upload)
    assert (result.patches.count, result.patches.short, result.patches.filled_s) == (1, "native", 0.0)
    assert result.patches.length_s == pytest.approx(1.7, abs=0.033)
    assert_as_offline(result, upload, folder)
    filled = await ask(plane, upload, tail="repeat")
    assert filled.patches.length_s == pytest.approx(PATCH_S)
    assert distance(result, filled) > 1e-3
    # what is asked of a whole patch may be more than a short one holds: one column and one row always stay
    assert np.isfinite((await ask(plane, upload, patchout_time=29, patchout_freq=8)).tags).all()
    with pytest.raises(SonotypeError, match=r"at least 0\.26 s") as caught:
        await ask(plane, Upload.of(tone(0.2, seed=5)))
    assert caught.value.code is Code.AUDIO_TOO_SHORT


async def test_the_numbers_of_its_grid_are_said(plane: Service) -> None:
    upload = Upload.of(tone(1.0))
    with pytest.raises(SonotypeError, match=r"31 columns .* at most 30, not 31"):
        await ask(plane, upload, patchout_time=31)
    with pytest.raises(SonotypeError, match=r"9 rows .* at most 8, not 9"):
        await ask(plane, upload, patchout_freq=9)


def assert_as_offline(result: ModelResult, upload: Upload, folder: Path) -> None:
    """The whole clip in one piece through the reference gives what the service gave for its chunks."""
    card = write_model(folder / "again")
    embedder = Embedder(card, folder / "again" / "narrow" / "model.safetensors", "block2", precision="fp32")
    samples = np.frombuffer(upload.data[44:], "<i2").astype(np.float32) / 32768
    assert embedder.sample_rate_hz == RATE_HZ
    rows = embedder.patches(samples)
    np.testing.assert_allclose(result.patch_embeddings["block2"], rows, atol=1e-3, rtol=1e-3)
    np.testing.assert_allclose(result.embeddings["block2"], embedder.clip(samples), atol=1e-3, rtol=1e-3)
