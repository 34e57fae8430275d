from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest
from conformance import GEN, NEXT, draft, everything, refused, vector
from embedded_kit import opened

from sonotype.catalog.embedded.writer import GROUP, Transaction
from sonotype.catalog.track import Draft, Metadata
from sonotype.core.errors import Code, SonotypeError


class Held:
    """Keeps the writer's thread busy until it is let go, so that what is queued meanwhile makes one group."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, _: Transaction) -> None:
        self.begun.set()
        assert self.go.wait(10)


async def test_puts_that_wait_together_share_transactions(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    writer, seen = catalog._parts.writer, []
    await writer.run(lambda steps: steps.db.set_trace_callback(seen.append))
    held = Held()
    holding = writer.submit(held)
    held.begun.wait(10)
    puts = [asyncio.ensure_future(catalog.put(draft(seed, f"t{seed}"))) for seed in range(2 * GROUP)]
    await asyncio.sleep(0)
    held.go.set()
    await asyncio.gather(*puts)
    holding.result()
    await writer.run(lambda steps: steps.db.set_trace_callback(None))
    assert sum(one.startswith("BEGIN") for one in seen) <= 5
    assert len(await everything(catalog, limit=50)) == 2 * GROUP
    await catalog.aclose()


async def test_failure_of_one_does_not_undo_its_neighbours(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    await catalog.put(draft(0, "a", external_id="taken"))
    held = Held()
    holding = catalog._parts.writer.submit(held)
    held.begun.wait(10)
    drafts = [draft(seed, f"t{seed}", tags=(f"tag{seed}",), external_id=f"x{seed}") for seed in range(9)]
    drafts[4] = draft(4, "t4", tags=("tag4", "only"), external_id="taken")
    drafts[5] = draft(5, "t5", tags=("tag4", "only"))
    puts = [asyncio.ensure_future(catalog.put(one)) for one in drafts]
    await asyncio.sleep(0)
    held.go.set()
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    holding.result()
    assert [isinstance(one, SonotypeError) for one in outcomes] == [seed == 4 for seed in range(9)]
    assert await everything(catalog) == ["a", "t0", "t1", "t2", "t3", "t5", "t6", "t7", "t8"]
    assert len(await catalog.carriers(tag="tag4")) == 1
    assert len(await catalog.carriers(tag="only")) == 1
    await catalog.aclose()


async def test_transaction_that_is_lost_fails_all_of_its_group_and_leaves_no_trace(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    held = Held()
    holding = catalog._parts.writer.submit(held)
    held.begun.wait(10)

    def lose(steps: Transaction) -> None:
        steps.db.execute("ROLLBACK")
        raise RuntimeError("the transaction is lost")

    first = asyncio.ensure_future(catalog.put(draft(1, "a", tags=("new",))))
    await asyncio.sleep(0)
    lost = asyncio.ensure_future(catalog._parts.writer.run(lose))
    await asyncio.sleep(0)
    last = asyncio.ensure_future(catalog.put(draft(2, "b", tags=("new",))))
    await asyncio.sleep(0)
    held.go.set()
    holding.exception()
    outcomes = await asyncio.gather(first, lost, last, return_exceptions=True)
    assert all(isinstance(one, Exception) for one in outcomes)
    assert await everything(catalog) == []
    assert (await catalog.search(vector(1), 3)).candidates.ids == ()
    await catalog.put(draft(3, "c", tags=("new",)))
    assert len(await catalog.carriers(tag="new")) == 1
    await catalog.aclose()


async def test_generation_that_ends_beside_a_put_is_only_gone(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    await catalog.add_generation("net@pool", NEXT, "02" * 32, 5)
    await catalog.put(draft(1, "a"))
    held = Held()
    holding = catalog._parts.writer.submit(held)
    held.begun.wait(10)
    ends = asyncio.ensure_future(catalog.drop_generation(NEXT))
    await asyncio.sleep(0)
    puts = [asyncio.ensure_future(catalog.put(draft(2, "a"))), asyncio.ensure_future(catalog.put(draft(3, "b")))]
    both = Draft(Metadata(), {GEN: vector(4), NEXT: vector(4, 5)}, "c")
    late = asyncio.ensure_future(catalog.put(both))
    await asyncio.sleep(0)
    held.go.set()
    await asyncio.gather(ends, *puts)
    with refused(Code.INVALID_REQUEST):
        await late
    holding.result()
    assert await everything(catalog) == ["a", "b"]
    await catalog.aclose()


async def test_put_whose_caller_left_before_its_turn_is_not_done(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    held = Held()
    holding = catalog._parts.writer.submit(held)
    held.begun.wait(10)
    left, stays = (asyncio.ensure_future(catalog.put(draft(seed, f"t{seed}"))) for seed in (1, 2))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    held.go.set()
    await stays
    holding.result()
    assert await everything(catalog) == ["t2"]
    await catalog.aclose()


async def test_what_was_queued_is_finished_before_closing(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    puts = [asyncio.ensure_future(catalog.put(draft(seed, f"t{seed}"))) for seed in range(100)]
    await asyncio.sleep(0)
    await catalog.aclose()
    await asyncio.gather(*puts)
    again = await opened(tmp_path)
    assert len(await everything(again, limit=50)) == 100
    await again.aclose()


@pytest.mark.parametrize(
    "metadata", [Metadata(title="\ud800"), Metadata(extra={"n": 1 << 70}), Metadata(extra={"x": {1}})]
)
async def test_metadata_that_is_no_json_is_refused(tmp_path: Path, metadata: Metadata) -> None:
    catalog = await opened(tmp_path)
    with refused(Code.INVALID_REQUEST):
        await catalog.put(Draft(metadata, {GEN: vector(1)}, "a"))
    await catalog.aclose()


async def test_numbers_that_no_track_has_do_no_harm(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    await catalog.put(draft(1, "a", duration_s=1e300, tempo_bpm=float(np.float32(3.4e38)), year=10**15))
    assert (await catalog.get("a")).metadata.year == 10**15
    await catalog.aclose()


async def test_a_deleted_track_is_in_no_answer_even_where_its_index_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = await opened(tmp_path)
    await catalog.put(draft(1, "a"))

    def fail(row: int) -> None:
        raise MemoryError

    monkeypatch.setattr(catalog._generations.find(None).index, "remove", fail)
    with pytest.raises(MemoryError):
        await catalog.delete("a")
    assert await everything(catalog) == []
    assert (await catalog.search(vector(1), 1)).candidates.ids == ()
    assert (await catalog.status()).tracks == 0
    await catalog.aclose()
