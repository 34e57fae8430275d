"""The use cases of taggers: fit one to tagged tracks, let it tag others, and teach it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from sonotype.catalog.port import Catalog
from sonotype.catalog.taggers.answering import Heard
from sonotype.catalog.taggers.fitting import fit, parts_of
from sonotype.catalog.taggers.store import TaggerStore
from sonotype.catalog.taggers.tagger import Correction, Outcome, Tagger
from sonotype.catalog.taggers.values import About, Base
from sonotype.catalog.vectors import unit
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Upload
from sonotype.models.multilabel.knn import adapted_k
from sonotype.models.multilabel.methods import Method
from sonotype.plane.catalog import tagger_limits as bounds
from sonotype.plane.catalog.generations import Generations
from sonotype.plane.catalog.labelled import Corpus, gather, strangers
from sonotype.plane.catalog.limits import check_id, check_number, invalid
from sonotype.plane.catalog.seeds import Lease
from sonotype.plane.catalog.tagger_models import TaggerModels
from sonotype.plane.catalog.tagger_report import report
from sonotype.plane.catalog.tagger_values import (
    Feedback,
    Fitting,
    NewTagger,
    Tagged,
    TaggerInfo,
    TaggerReport,
    TagQuery,
    Versions,
)
from sonotype.plane.catalog.tracks import Tracks
from sonotype.plane.query import AnalyzeQuery


class Taggers:
    """Implements `TaggerPlane`.

    Args:
        catalog: the engine.
        generations: which one is current, and how to embed into it.
        tracks: how an upload is embedded.
        store: of the taggers.
        lease: keeps the models that are served, for as long as its context is open.

    Attributes:
        models: the same taggers beside the other models.
    """

    def __init__(
        self, catalog: Catalog, generations: Generations, tracks: Tracks, store: TaggerStore, lease: Lease
    ) -> None:
        self._catalog, self._generations, self._tracks = catalog, generations, tracks
        self._store, self._lease = store, lease
        self._fitting: dict[str, Fitting] = {}
        self.models = TaggerModels(store, lambda: generations.current)

    async def create(self, new: NewTagger) -> TaggerInfo:
        """Fit a tagger and keep it. Raises `conflict`, `invalid_request`, `not_found`."""
        bounds.check_name(new.name)
        bounds.check_fit(new.method, new.budget, new.k)
        if new.labels:
            bounds.check_labels(new.labels)
        self._store.check_free(new.name, bounds.MAX_TAGGERS - len(self._fitting))
        if new.name in self._fitting:
            raise SonotypeError(Code.CONFLICT, f"The tagger {new.name!r} is being made.")
        self._fitting[new.name] = Fitting(new.name)
        try:
            return self._info(await self._made(new))
        finally:
            del self._fitting[new.name]

    async def all(self) -> tuple[list[TaggerInfo], list[Fitting]]:
        """Every tagger, and those that are being made."""
        found = await asyncio.to_thread(lambda: [self._info(tagger) for tagger in self._store.all()])
        return found, [self._fitting[name] for name in sorted(self._fitting)]

    async def get(self, name: str) -> TaggerInfo:
        """One tagger. Raises `not_found`."""
        return await asyncio.to_thread(self._info, self._store.get(name))

    async def delete(self, name: str) -> None:
        """Delete for good. Raises `not_found`."""
        await asyncio.to_thread(self._store.delete, name)

    async def tag(self, query: TagQuery, upload: Upload | None = None) -> Tagged:
        """Labels with reasons. Raises `invalid_request`, `not_found`, `conflict`; for an upload any code."""
        tagger = self._store.get(query.name)
        _check_one(query, upload)
        if query.tracks:
            vectors = await strangers(self._catalog, tagger, query.tracks)
            asked: list[tuple[str | None, Floats | None]] = [(track, vectors.get(track)) for track in query.tracks]
        elif upload is not None:
            asked = [(None, await self._embedded(tagger, upload, query))]
        else:
            assert query.embedding is not None  # noqa: S101 - checked
            asked = [(None, unit(query.embedding, tagger.taught.dim))]
        answers: list[tuple[str | None, Heard]] = await asyncio.to_thread(
            lambda: [(track, tagger.answer(track, vector)) for track, vector in asked]
        )
        return Tagged(await self.get(query.name), answers)

    async def feedback(self, name: str, said: Feedback) -> Outcome:
        """Learn from a correction; durable when this returns. Raises `invalid_request`, `not_found`, `conflict`."""
        tagger = self._store.get(name)
        check_id(said.track)
        bounds.check_event(said.event)
        if said.label not in tagger.about.labels:
            raise invalid(f"The tagger has no label {said.label[:200]!r}.")
        vector = (
            None if tagger.knows(said.track) else (await strangers(self._catalog, tagger, (said.track,)))[said.track]
        )
        correction = Correction(said.track, said.label, said.positive, vector, said.event, said.client)
        return await asyncio.to_thread(tagger.correct, correction)

    async def undo(self, name: str, version: int | None = None, client: str | None = None) -> Outcome:
        """Take the last correction back. Raises `not_found`, `conflict`."""
        return await asyncio.to_thread(self._store.get(name).undo, version, client)

    async def rollback(self, name: str, version: int, client: str | None = None) -> Outcome:
        """Go back to a version. Raises `not_found`."""
        return await asyncio.to_thread(self._store.get(name).rollback, version, client)

    async def versions(self, name: str, limit: int) -> Versions:
        """The newest changes. Raises `not_found`, `invalid_request`."""
        check_number(limit, 1, bounds.MAX_VERSIONS, "limit")
        tagger = self._store.get(name)
        history = tagger.history
        return Versions(tagger.about.labels, history.current, history.changes[-limit:][::-1])

    async def report(self, name: str, limit: int) -> TaggerReport:
        """How good a tagger is on its own tracks. Raises `not_found`, `invalid_request`."""
        check_number(limit, 1, bounds.MAX_DOUBTS, "limit")
        tagger = self._store.get(name)
        return await report(self._catalog, tagger, self._info(tagger), limit)

    async def _made(self, new: NewTagger) -> Tagger:
        def tell(tracks: int) -> None:
            self._fitting[new.name] = replace(self._fitting[new.name], tracks=tracks)

        await self._generations.status()  # another process may have moved the alias
        generation = self._generations.current
        corpus = await gather(self._catalog, generation, new, tell)
        self._fitting[new.name] = Fitting(new.name, "fitting", len(corpus.ids))
        base = await asyncio.to_thread(_fit, corpus, new)
        n = len(base.leaves)
        budget = max(n, min(bounds.MAX_BUDGET, parts_of(new.budget, len(corpus.ids))))
        k = new.k or adapted_k(n)
        about = About(new.name, corpus.labels, generation, new.method, budget, k, datetime.now(UTC))
        return await asyncio.to_thread(self._store.create, about, base)

    async def _embedded(self, tagger: Tagger, upload: Upload, query: TagQuery) -> Floats:
        analysis = AnalyzeQuery(lane=query.lane, timeout_s=query.timeout_s, client=query.client)
        with self._lease():
            space = self._generations.space(tagger.about.generation)
            if space is None:
                detail = f"The model of the tagger's generation {tagger.about.generation} is not served here."
                raise SonotypeError(Code.CONFLICT, detail)
            return unit(await self._tracks.embed(upload, space, analysis), space.dim)

    def _info(self, tagger: Tagger) -> TaggerInfo:
        return TaggerInfo(tagger.about, tagger.facts(), tagger.about.generation != self._generations.current)


def _fit(corpus: Corpus, new: NewTagger) -> Base:
    return fit(corpus.ids, corpus.vectors, corpus.said, cast("Method", new.method), new.budget)


def _check_one(query: TagQuery, upload: Upload | None) -> None:
    given = (bool(query.tracks), query.embedding is not None, upload is not None)
    if sum(given) != 1:
        raise invalid("Give tracks, or an embedding, or an upload.")
    if len(query.tracks) > bounds.MAX_TAGGED:
        raise invalid(f"At most {bounds.MAX_TAGGED} tracks are tagged at once.")
