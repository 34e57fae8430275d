from __future__ import annotations

from pathlib import Path

from conformance import GEN, draft, everything, refused
from embedded_kit import opened, rows

from sonotype.catalog.embedded.idempotency import KEPT_S
from sonotype.catalog.port import Idempotency
from sonotype.catalog.track import Draft, Metadata, TrackEvidence, TrackLabel
from sonotype.core.errors import Code


class Clock:
    """Stands until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def key(name: str = "k", request: str = "11") -> Idempotency:
    return Idempotency("client", name, request * 32)


async def test_key_is_kept_for_a_day(tmp_path: Path) -> None:
    clock = Clock()
    catalog = await opened(tmp_path, clock=clock)
    await catalog.put(draft(1, "a"), key())
    clock.now += KEPT_S - 1
    assert (await catalog.put(draft(1, "a"), key())).replayed
    clock.now += 2
    assert not (await catalog.put(draft(2, "a"), key(request="22"))).replayed
    await catalog.aclose()


async def test_old_keys_are_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    catalog = await opened(tmp_path, clock=clock)
    for number in range(100):
        await catalog.put(draft(1, "a"), key(f"k{number}"))
    clock.now += KEPT_S + 1
    for number in range(2):
        await catalog.put(draft(1, "a"), key(f"later{number}"))
    await catalog.aclose()
    assert rows(tmp_path, "SELECT count(*) FROM idempotency") == [(2,)]


async def test_replay_is_the_answer_of_then(tmp_path: Path) -> None:
    clock = Clock()
    catalog = await opened(tmp_path, clock=clock)
    labels, evidence = (TrackLabel("net", "jazz", 0.25),), (TrackEvidence("head", "p1", "jazz", -0.5),)
    first = await catalog.put(Draft(Metadata(tags=("x", "ü")), {}, None, "ab" * 32, labels, evidence, "f.flac"), key())
    clock.now += 5.5
    replaced = await catalog.put(draft(1, first.track.id, title="later"))
    assert replaced.track.generations == (GEN,)
    assert (replaced.track.updated_at - first.track.updated_at).total_seconds() == 5.5
    again = await catalog.put(Draft(Metadata(), {}), key())
    assert (again.track, again.created, again.replayed) == (first.track, True, True)
    await catalog.aclose()


async def test_answers_of_a_deleted_track_are_erased(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    await catalog.put(draft(1, "a", title="secret"), key())
    await catalog.delete("a")
    await catalog.put(draft(2, "a", title="another"))
    with refused(Code.NOT_FOUND):
        await catalog.put(draft(1, "a", title="secret"), key())
    with refused(Code.IDEMPOTENCY_MISMATCH):
        await catalog.put(draft(1, "a"), key(request="22"))
    assert await everything(catalog) == ["a"]
    await catalog.aclose()
    assert rows(tmp_path, "SELECT answer FROM idempotency") == [(None,)]


async def test_clock_that_goes_back_does_not_turn_a_track_around(tmp_path: Path) -> None:
    clock = Clock()
    catalog = await opened(tmp_path, clock=clock)
    await catalog.put(draft(1, "a"))
    clock.now -= 1000
    track = (await catalog.put(draft(2, "a"))).track
    assert track.updated_at == track.created_at
    await catalog.aclose()
