"""Patchout and the ends of clips through the whole plane, on real workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from harness import tone
from prototype_models import class_wav, make_model
from quality_kit import COLUMNS, ROWS, grid_card, write_grid_model
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Crop, ModelResult, Patchout, Upload
from sonotype.main import open_plane
from sonotype.models.card import Card, read_card
from sonotype.models.grid import LEAST_SHARE, cost_share, grid_of, presets_of
from sonotype.models.runtime.fake import FakeRuntime
from sonotype.plane.plan import make_plan
from sonotype.plane.quality import choose_patchout
from sonotype.plane.query import AnalyzeQuery
from sonotype.plane.service import Service

FAKES = Path(__file__).parents[1] / "data" / "models"
IN_PLANE = pytest.mark.asyncio(loop_scope="module")


def fake() -> Card:
    return read_card(FAKES / "fake" / "card.toml")


def query(**options: object) -> AnalyzeQuery:
    return AnalyzeQuery(**options)  # type: ignore[arg-type]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plane(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    folder = tmp_path_factory.mktemp("quality")
    make_model(folder / "models", name="tones", backbone=write_grid_model(folder / "models"))
    settings = Settings(
        model_path=[FAKES, folder / "models"],
        models=["fake", "grid", "tones"],
        data_dir=folder / "data",
        weights_dir=folder / "weights",
        devices="cpu:1",
        decode_workers=1,
    )
    async with open_plane(settings) as opened:
        await opened.wait_ready()
        yield opened


async def ask(plane: Service, upload: Upload, *models: str, **options: object) -> list[ModelResult]:
    return list((await plane.analyze(upload, query(models=models or ("grid",), **options))).results)


@IN_PLANE
async def test_a_lower_quality_is_another_answer_that_says_so_and_repeats(plane: Service) -> None:
    upload = Upload.of(tone(3.0, seed=1))
    (full,) = await ask(plane, upload)
    (fast,) = await ask(plane, upload, quality="fast")
    (again,) = await ask(plane, upload, quality="fast", use_cache=False)
    assert (full.quality, full.patchout) == ("full", None)
    assert (fast.quality, fast.patchout) == ("fast", Patchout(time_every=4))
    assert not fast.cached
    assert np.abs(full.tags - fast.tags).max() > 1e-3
    np.testing.assert_array_equal(fast.tags, again.tags)
    assert (await ask(plane, upload, quality="fast"))[0].cached


@IN_PLANE
async def test_counts_come_on_top_of_the_quality_and_a_seed_repeats(plane: Service) -> None:
    upload = Upload.of(tone(2.0, seed=2))
    (result,) = await ask(plane, upload, quality="balanced", patchout_time=2, patchout_freq=3, patchout_seed=5)
    assert result.patchout == Patchout(2, 1, 2, 3, 5)
    (again,) = await ask(
        plane, upload, quality="balanced", patchout_time=2, patchout_freq=3, patchout_seed=5, use_cache=False
    )
    np.testing.assert_array_equal(result.tags, again.tags)
    answers = {result.tags.tobytes()}
    for seed in range(8):
        (other,) = await ask(plane, upload, quality="balanced", patchout_time=2, patchout_freq=3, patchout_seed=seed)
        answers.add(other.tags.tobytes())
    assert len(answers) > 2


@IN_PLANE
async def test_a_model_without_presets_answers_every_quality_in_full(plane: Service) -> None:
    upload = Upload.of(tone(2.0, seed=3))
    plain, grid = await ask(plane, upload, "fake", "grid", quality="fast", patchout_seed=1)
    assert (plain.quality, plain.patchout) == ("full", None)
    assert (grid.quality, grid.patchout) == ("fast", Patchout(time_every=4, seed=1))
    assert (await ask(plane, upload, "fake"))[0].cached  # it was the same question


@IN_PLANE
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"patchout_time": COLUMNS},
            f"{COLUMNS} columns .* patchout_time may be at most {COLUMNS - 1}",
        ),
        ({"patchout_freq": ROWS}, f"patchout_freq may be at most {ROWS - 1}, not {ROWS}"),
        ({"quality": "fast", "patchout_time": 3}, "of which quality fast keeps 3: patchout_time may be at most 2"),
        ({"models": ("fake",), "patchout_time": 1}, "fake has no grid"),
    ],
)
async def test_counts_that_no_grid_allows_are_refused_with_the_numbers(
    plane: Service, options: dict[str, object], said: str
) -> None:
    with pytest.raises(SonotypeError, match=said) as caught:
        await plane.analyze(Upload.of(tone(1.0)), query(**{"models": ("grid",), **options}))
    assert caught.value.code is Code.INVALID_REQUEST


@IN_PLANE
async def test_the_end_of_a_clip_is_heard_and_counts_once(plane: Service) -> None:
    (result,) = await ask(plane, Upload.of(tone(2.4, seed=4)), embeddings=("vector",), embedding_scope="patches")
    patches = result.patches
    assert (patches.count, patches.tail, patches.dropped_s, patches.filled_s) == (3, "align", 0.0, 0.0)
    assert patches.overlap_s == pytest.approx(0.59, abs=0.011)  # frames are 10 ms, and one is at the very end
    np.testing.assert_allclose(result.starts_s, [0, 1, 2 - patches.overlap_s], atol=1e-6)
    weights = np.array([1, 1, 1 - patches.overlap_s])
    np.testing.assert_allclose(result.tags, np.average(result.taggram, axis=0, weights=weights), rtol=1e-5)
    rows = result.patch_embeddings["vector"]
    np.testing.assert_allclose(result.embeddings["vector"], np.average(rows, axis=0, weights=weights), rtol=1e-4)


@IN_PLANE
async def test_a_head_follows_its_backbone_in_quality_and_in_the_weights_of_patches(plane: Service) -> None:
    upload = Upload.of(class_wav(1, 2.4))
    grid, head = await ask(plane, upload, "grid", "tones", quality="balanced")
    (full,) = await ask(plane, upload, "tones")
    assert (head.quality, head.patchout, head.patches) == ("balanced", grid.patchout, grid.patches)
    assert head.reasons is not None
    assert full.reasons is not None
    assert np.abs(head.reasons.logits - full.reasons.logits).max() > 1e-4
    weights = np.array([1, 1, 1 - head.patches.overlap_s])
    mean = np.average(head.reasons.patch_logits, axis=0, weights=weights)
    np.testing.assert_allclose(head.reasons.logits, mean, rtol=1e-4, atol=1e-5)


@IN_PLANE
async def test_a_short_clip_is_heard_as_it_is(plane: Service) -> None:
    upload = Upload.of(tone(0.4, seed=5))
    (native,) = await ask(plane, upload)
    assert (native.patches.count, native.patches.short, native.patches.filled_s) == (1, "native", 0.0)
    assert native.patches.length_s == pytest.approx(0.41)
    (repeated,) = await ask(plane, upload, tail="repeat")
    assert (repeated.patches.short, repeated.patches.length_s) == ("repeat", 1.0)
    assert repeated.patches.filled_s == pytest.approx(0.59)
    with pytest.raises(SonotypeError, match=r"at least 0\.16 s") as caught:
        await ask(plane, Upload.of(tone(0.1, seed=6)))
    assert caught.value.code is Code.AUDIO_TOO_SHORT


@IN_PLANE
async def test_any_model_can_be_asked_to_hear_the_end(plane: Service) -> None:
    (result,) = await ask(plane, Upload.of(tone(1.5, seed=7)), "fake", tail="align")
    assert (result.patches.count, result.patches.dropped_s) == (2, 0.0)
    assert result.patches.overlap_s == pytest.approx(0.49, abs=0.011)
    (short,) = await ask(plane, Upload.of(tone(0.5, seed=8)), "fake", tail="align")
    assert (short.patches.short, short.patches.count) == ("repeat", 1)


def test_a_plan_costs_what_its_tokens_cost() -> None:
    card = grid_card()
    grid = grid_of(card)
    assert grid is not None
    assert (grid.rows, grid.columns, grid.tokens(), grid.tokens(Patchout(time_every=4))) == (9, 9, 83, 29)
    whole, fast = make_plan(card, query(), "fp32"), make_plan(card, query(quality="fast"), "fp32")
    assert whole.cost_s(10) == 10
    # the operations of a block of width 768 on 29 and on 83 tokens
    expected = (24 * 29 * 768**2 + 4 * 29**2 * 768) / (24 * 83 * 768**2 + 4 * 83**2 * 768)
    assert fast.cost_s(10) == pytest.approx(10 * expected)
    assert make_plan(card, query(patchout_time=8, patchout_freq=8), "fp32").cost_s(10) == pytest.approx(
        10 * LEAST_SHARE
    )
    assert make_plan(fake(), query(quality="fast"), "fp32").cost_s(10) == 10
    assert [(preset.quality, preset.patchout) for preset in presets_of(card)] == [
        ("full", None),
        ("balanced", Patchout(time_every=2)),
        ("fast", Patchout(time_every=4)),
    ]
    assert cost_share(card, None) == 1.0


def test_the_published_lengths_cost_what_was_counted_by_hand() -> None:
    card = grid_card()
    long = card.model_copy(update={"patch": card.patch.model_copy(update={"frames": 1876})})
    grid = grid_of(long)
    assert grid is not None
    assert [grid.tokens(Patchout(time_every=every)) for every in (1, 2, 3, 4)] == [1685, 848, 569, 425]
    assert cost_share(long, Patchout(time_every=2)) == pytest.approx(0.44, abs=0.01)
    assert cost_share(long, Patchout(time_every=4)) == pytest.approx(0.20, abs=0.01)


def test_a_quality_that_a_card_does_not_name_is_full() -> None:
    card = grid_card().model_copy(update={"patchout": {"fast": grid_card().patchout["fast"]}})
    assert choose_patchout(card, query(quality="balanced")) == ("full", None)
    assert choose_patchout(card, query(quality="balanced", patchout_time=1)) == ("full", Patchout(time_drop=1))
    assert choose_patchout(card, query(quality="fast"))[0] == "fast"


def test_the_crop_and_the_hop_know_nothing_of_it() -> None:
    plan = make_plan(grid_card(), query(quality="fast", hop_s=0.5, crop=Crop(1.0, 2.0), tail="pad"), "fp32")
    assert (plan.patch.hop_frames, plan.patch.tail, plan.patch.short, plan.fill) == (50, "pad", "pad", "pad")
    assert make_plan(grid_card(), query(), "fp32").fill == "native"
    assert make_plan(grid_card(), query(tail="drop"), "fp32").fill == "native"


def test_the_fake_leaves_out_what_it_is_told_to() -> None:
    windows = np.random.default_rng(0).uniform(-0.3, 0.3, (2, 16000)).astype(np.float32)
    valid = np.full(2, 100, dtype=np.int64)
    runtime, plain = FakeRuntime(grid_card()), FakeRuntime(fake())

    def vector(which: FakeRuntime, patchout: Patchout | None) -> np.ndarray:
        return np.asarray(which.run(windows, valid, "native", "plain", patchout).arrays["vector"])

    whole = vector(runtime, None)
    np.testing.assert_array_equal(vector(runtime, Patchout()), whole)
    assert np.abs(vector(runtime, Patchout(freq_drop=3)) - whole * 6 / 9).max() < 1e-6
    assert np.abs(vector(runtime, Patchout(time_drop=3)) - whole).max() > 1e-3
    np.testing.assert_array_equal(vector(plain, Patchout(time_every=4)), vector(plain, None))
