"""Write a catalogue to a file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from sonotype.catalog.port import EVERYTHING, Catalog
from sonotype.catalog.track import Track
from sonotype.catalog.transfer.archive import ArchivedGeneration, ArchiveWriter, Head, writing
from sonotype.core.types import Floats

_PAGE = 200
Progress = Callable[[int, int], None]
"""Called with how many tracks are done, and how many there are."""


async def export(catalog: Catalog, path: Path, progress: Progress) -> int:
    """All tracks with the vectors of all generations; how many there were.

    Tracks that are written meanwhile may be missing, or in an older state: export again, and import what has changed.

    Raises:
        SonotypeError: `invalid_request` or `insufficient_storage` for the file; what the engine raises.
    """
    status = await catalog.status()
    oldest_first = tuple(reversed(status.generations))
    generations = tuple(ArchivedGeneration(one.name, one.embedding, one.model_sha256, one.dim) for one in oldest_first)
    current = next((one.name for one in oldest_first if one.current), None)
    with writing(path) as writer:
        writer.head(Head(generations, current))
        cursor = None
        while True:
            page = await catalog.list(EVERYTHING, cursor, _PAGE)
            ids = [track.id for track in page.tracks]
            vectors = [await catalog.vectors(ids, generation.name) for generation in generations]
            held = {
                id_: {one.name: found[id_] for one, found in zip(generations, vectors, strict=True) if id_ in found}
                for id_ in ids
            }
            await asyncio.to_thread(_write, writer, [(track, held[track.id]) for track in page.tracks])
            progress(writer.tracks, status.tracks)
            if (cursor := page.cursor) is None:
                return writer.tracks


def _write(writer: ArchiveWriter, tracks: list[tuple[Track, dict[str, Floats]]]) -> None:
    for track, vectors in tracks:
        writer.track(track, vectors)
