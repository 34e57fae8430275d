"""Rows that leave out different patches never share a batch, and cost what their tokens cost."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from serving_kit import ask, counter, make_pool, serving, spec, windows

from quality_kit import grid_card
from sonotype.core.types import Floats, Patchout, Window
from sonotype.models.card import Card
from sonotype.models.grid import LEAST_SHARE, cost_share
from sonotype.models.runtime.fake import FakeRuntime
from sonotype.serving.workers.served import ServedModel, geometry, shapes_of

CARD = grid_card()
PATCHOUTS = (None, Patchout(time_every=4), Patchout(time_drop=3), Patchout(time_drop=3, seed=1))


def named(name: str, patchout: Patchout | None, **changes: Any) -> Any:
    return spec(name, model=CARD.address, patchout=patchout, cost_share=cost_share(CARD, patchout), **changes)


def alone(rows: list[Window], patchout: Patchout | None, fill: Any = "native") -> dict[str, Floats]:
    samples = np.stack([window.samples for window in rows])
    valid = np.array([window.valid_frames for window in rows], dtype=np.int64)
    return dict(FakeRuntime(CARD).run(samples, valid, fill, "plain", patchout).arrays)


def slow(card: Card) -> Card:
    network = card.network.model_copy(update={"options": {**card.network.options, "delay_ms": 20.0}})
    return card.model_copy(update={"network": network})


async def test_a_row_has_the_same_bits_alone_and_among_rows_that_leave_out_others() -> None:
    async with serving(make_pool(slow(CARD))) as batcher:
        before = counter("sonotype_batch_items_count", model=CARD.address)
        clips = [(windows(i, 2), PATCHOUTS[i % len(PATCHOUTS)]) for i in range(24)]
        answers = await asyncio.gather(
            *(ask(batcher, named(f"c{i}", patchout), rows) for i, (rows, patchout) in enumerate(clips))
        )
        for (rows, patchout), answer in zip(clips, answers, strict=True):
            for name, array in alone(rows, patchout).items():
                np.testing.assert_array_equal(answer[name], array)
        # 12 rows of each patchout in batches of at most 8: those that agree do share
        assert counter("sonotype_batch_items_count", model=CARD.address) - before < 24


async def test_short_clips_that_run_as_they_are_share_batches_with_whole_patches() -> None:
    short = Window(0, windows(50, 1)[0].samples * (np.arange(16000) < 40 * 160), 40, "native")
    async with serving(make_pool(slow(CARD))) as batcher:
        whole, brief = await asyncio.gather(
            ask(batcher, named("whole", None, fill="native"), windows(51, 2)),
            ask(batcher, named("brief", None, fill="native"), [short]),
        )
    np.testing.assert_array_equal(whole["tags"], alone(windows(51, 2), None)["tags"])
    np.testing.assert_array_equal(brief["tags"], alone([short], None)["tags"])
    assert np.abs(brief["tags"] - alone([short], None, "pad")["tags"]).max() > 1e-3


@pytest.mark.parametrize(("patchout", "most"), [(None, 4), (Patchout(time_every=4), 11)])
async def test_what_costs_less_comes_in_larger_batches(patchout: Patchout | None, most: int) -> None:
    assert most == int(4 / cost_share(CARD, patchout))
    async with serving(make_pool(slow(CARD), batch_audio_s=4.0)) as batcher, batcher.open(named("a", patchout)) as item:
        rows = windows(3, 40)
        for window in rows:
            await item.put(window)
        outputs = await item.result(40)
    np.testing.assert_array_equal(outputs["tags"], alone(rows, patchout)["tags"])
    assert max(item.stats.batch_rows) == most
    assert sum(item.stats.batch_rows) == 40


def test_the_shared_memory_holds_the_cheapest_batch() -> None:
    shapes = shapes_of([ServedModel(CARD)])
    row = shapes[CARD.address, "plain"]
    made = geometry(shapes.values(), 256, 4.0)
    assert made.input_bytes == round(4 / LEAST_SHARE) * row.window_samples * 4
    assert geometry(shapes.values(), 8, 4.0).input_bytes == 8 * row.window_samples * 4
