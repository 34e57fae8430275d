"""How good a tagger is on its own tracks, and which of their labels to look at again."""

from __future__ import annotations

import asyncio

import numpy as np

from sonotype.catalog.keys import UNKNOWN, artist_key
from sonotype.catalog.port import Catalog
from sonotype.catalog.taggers.reporting import Doubt, Size, doubts, sizes
from sonotype.catalog.taggers.tagger import Tagger
from sonotype.catalog.taggers.values import Numbers
from sonotype.plane.catalog import tagger_limits as bounds
from sonotype.plane.catalog.tagger_values import TaggerInfo, TaggerReport, TrackDoubt

_PAGE = 200


async def report(catalog: Catalog, tagger: Tagger, info: TaggerInfo, limit: int) -> TaggerReport:
    """The report on a tagger.

    Args:
        catalog: knows the artists; tracks that it does not know any more are artists of their own.
        tagger: whose tracks are left out in turn.
        info: the tagger as it stands.
        limit: doubts to tell.
    """
    ids, vectors, said = await asyncio.to_thread(tagger.snapshot)
    artists, known = await _artists(catalog, ids)
    chosen = _sample(len(ids))

    def work() -> tuple[list[Size], list[Doubt]]:
        return sizes(vectors[chosen], said[chosen], artists[chosen]), doubts(vectors, said, artists)

    curve, found = await asyncio.to_thread(work)
    labels = tagger.about.labels
    told = [TrackDoubt(ids[one.track], labels[one.label], one.positive, one.agreement) for one in found[:limit]]
    return TaggerReport(info, len(chosen), known, curve, told, len(found))


async def _artists(catalog: Catalog, ids: tuple[str, ...]) -> tuple[Numbers, int]:
    """A number for the artist of each track, one of its own where none is known; and how many are known."""
    keys: dict[str, int] = {}
    for start in range(0, len(ids), _PAGE):
        tracks = await catalog.get_many(ids[start : start + _PAGE])
        keys |= {track.id: artist_key(track.metadata) for track in tracks}
    names = [keys.get(track, UNKNOWN) or f"alone {track}" for track in ids]
    place = {name: number for number, name in enumerate(dict.fromkeys(names))}
    known = sum(isinstance(name, int) for name in place)
    return np.array([place[name] for name in names], dtype=np.int64), known


def _sample(n: int) -> Numbers:
    """A fixed choice of the tracks where there are many."""
    if n <= bounds.MAX_REPORTED:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, bounds.MAX_REPORTED, replace=False))
