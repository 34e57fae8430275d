"""Read a catalogue from a file into an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sonotype.catalog.port import Catalog
from sonotype.catalog.track import Draft, Track
from sonotype.catalog.transfer.archive import check, drafts
from sonotype.catalog.transfer.exporting import Progress
from sonotype.core.errors import Code, SonotypeError

_TOGETHER = 128
_TRIES = 5
_WAIT_S = 2.0


@dataclass(slots=True)
class Outcome:
    """What became of a file.

    Attributes:
        stored: tracks that are new or have changed.
        unchanged: tracks that were there as they are in the file.
        refused: id and reason of tracks that the catalogue does not take, for one because another track has their
            external id.
        current: the generation that searches use now.
        problem: why the alias was not moved; None where it was, or where it need not be.
    """

    stored: int = 0
    unchanged: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    current: str | None = None
    problem: str | None = None


async def import_(catalog: Catalog, path: Path, progress: Progress) -> Outcome:
    """Store every track of a file under its id. Repeat it after a kill: what is there already is passed over.

    Nothing is deleted. What is stored keeps the times of the file: when it was created and when last stored.

    Raises:
        SonotypeError: `invalid_request` for a file that is not whole; what the engine raises, after some attempts.
    """
    head, total = await asyncio.to_thread(check, path)
    for one in head.generations:
        await catalog.add_generation(one.embedding, one.name, one.model_sha256, one.dim)
    outcome, done = Outcome(), 0
    tracks = drafts(path)
    while batch := await asyncio.to_thread(_next, tracks):
        await _store(catalog, batch, outcome)
        done += len(batch)
        progress(done, total)
    await _point(catalog, head.current, outcome)
    return outcome


def _next(tracks: Iterator[Draft]) -> list[Draft]:
    return list(islice(tracks, _TOGETHER))


async def _store(catalog: Catalog, batch: Sequence[Draft], outcome: Outcome) -> None:
    there = {track.id: track for track in await catalog.get_many([str(one.id) for one in batch])}
    changed = [one for one in batch if not _same(one, there.get(str(one.id)))]
    outcome.unchanged += len(batch) - len(changed)
    results = await asyncio.gather(*(_put(catalog, one) for one in changed))
    refused = [(str(one.id), reason) for one, reason in zip(changed, results, strict=True) if reason is not None]
    outcome.refused += refused
    outcome.stored += len(changed) - len(refused)


def _same(draft: Draft, track: Track | None) -> bool:
    if track is None or not set(draft.vectors) <= set(track.generations):
        return False
    mine = (draft.metadata, draft.content_sha256, draft.labels, draft.evidence, draft.source)
    return mine == (track.metadata, track.content_sha256, track.labels, track.evidence, track.source)


async def _put(catalog: Catalog, draft: Draft) -> str | None:
    """Why a track was refused; None where it was stored."""
    for attempt in range(_TRIES):
        try:
            await catalog.put(draft)
        except SonotypeError as error:
            if error.code in {Code.CONFLICT, Code.INVALID_REQUEST}:
                return error.detail
            if not error.meaning.retryable or attempt == _TRIES - 1:
                raise
            await asyncio.sleep(error.retry_after_s or _WAIT_S)
        else:
            return None
    raise AssertionError("the last attempt raises. This is a bug.")


async def _point(catalog: Catalog, wanted: str | None, outcome: Outcome) -> None:
    status = await catalog.status()
    outcome.current = next((one.name for one in status.generations if one.current), None)
    if wanted is not None and wanted != outcome.current:
        try:
            outcome.current = (await catalog.promote(wanted)).name
        except SonotypeError as error:
            outcome.problem = error.detail
