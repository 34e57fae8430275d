"""From the seeds of a query to the vector that is searched with, and the generation to search in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from sonotype.catalog.port import Catalog
from sonotype.catalog.ranking.mixing import direction, mix
from sonotype.catalog.track import Track
from sonotype.catalog.vectors import unit
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Upload
from sonotype.plane.catalog.aim import Aim, SeedTrack
from sonotype.plane.catalog.check_track import checked_vector
from sonotype.plane.catalog.generations import Generations
from sonotype.plane.catalog.space import Space
from sonotype.plane.catalog.tracks import Tracks
from sonotype.plane.catalog.values import Seed
from sonotype.plane.prototypes import Prototypes
from sonotype.plane.query import AnalyzeQuery

Lease = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class _Ground:
    """Where the seeds of a query meet: a generation, how to embed into it, and the vectors of their tracks in it."""

    generation: str
    space: Space | None
    vectors: dict[str, Floats]


class Seeds:
    """Resolves seeds.

    Args:
        catalog: the engine.
        generations: where can be searched.
        tracks: how an upload is embedded.
        prototypes: of the served models.
        lease: keeps the models that are served, for as long as its context is open.
    """

    def __init__(
        self,
        catalog: Catalog,
        generations: Generations,
        tracks: Tracks,
        prototypes: Prototypes,
        lease: Lease = nullcontext,
    ) -> None:
        self._catalog = catalog
        self._generations = generations
        self._tracks = tracks
        self._lease = lease
        self.prototypes = prototypes

    async def aim(self, seeds: Sequence[Seed], upload: Upload | None, analysis: AnalyzeQuery) -> Aim:
        """Where a query points to.

        Args:
            seeds: checked.
            upload: the audio of the seed that says so.
            analysis: lane, deadline and client of the upload's analysis.

        Raises:
            SonotypeError: `not_found` for an unknown track, prototype or tag; `conflict` where no generation has what
                the seeds need; `invalid_request` where they cancel each other out; for an upload any code of the table.
        """
        with self._lease():
            return await self._aim(seeds, upload, analysis)

    async def _aim(self, seeds: Sequence[Seed], upload: Upload | None, analysis: AnalyzeQuery) -> Aim:
        ids = tuple(dict.fromkeys(seed.track for seed in seeds if seed.track is not None))
        dims = {len(seed.embedding) for seed in seeds if seed.embedding is not None}
        names = self._fitting(self._generations.searchable(by_upload=upload is not None), dims)
        spaces = {name: self._generations.space(name) for name in names}
        documents, name, vectors = await self.resolve(ids, names)
        ground = _Ground(name, spaces[name], vectors)
        parts = await asyncio.gather(*(self._vector(seed, ground, upload, analysis) for seed in seeds))
        by_id = {track.id: track for track in documents}
        tracks = tuple(SeedTrack(by_id[s.track], vectors[s.track], s.weight) for s in seeds if s.track is not None)
        return Aim(mix(parts, [seed.weight for seed in seeds]), name, tracks)

    async def resolve(self, ids: Sequence[str], names: Sequence[str]) -> tuple[list[Track], str, dict[str, Floats]]:
        """Tracks in the order asked, the first generation that holds them all, and their unit vectors in it.

        Raises:
            SonotypeError: `not_found` for the first track that is unknown; `conflict` where no generation has all.
        """
        documents, found = await asyncio.gather(self.documents(ids), self._held(ids, names), return_exceptions=True)
        if isinstance(documents, BaseException):
            raise documents  # an unknown track is no stale one
        if isinstance(found, BaseException):
            raise found
        return documents, *found

    async def documents(self, ids: Sequence[str]) -> list[Track]:
        """Tracks in the order asked. Raises `not_found` for the first that is unknown."""
        found = await self._catalog.get_many(ids) if ids else []
        known = {track.id for track in found}
        for name in ids:
            if name not in known:
                raise SonotypeError(Code.NOT_FOUND, f"There is no track {name!r}.")
        return found

    async def _held(self, ids: Sequence[str], names: Sequence[str]) -> tuple[str, dict[str, Floats]]:
        missing = ids[:1]
        for name in names:
            vectors = await self._catalog.vectors(ids, name) if ids else {}
            missing = [track for track in ids if track not in vectors]
            if not missing:
                return name, vectors
        detail = f"The track {missing[0]!r} has no embedding that can be compared here: put it again, or re-embed it."
        raise SonotypeError(Code.CONFLICT, detail)

    def _fitting(self, names: Sequence[str], dims: set[int]) -> Sequence[str]:
        """Where embeddings of these lengths belong; where nowhere, the first refuses them with its own length."""
        return [name for name in names if dims <= {self._generations.dim(name)}] or names[:1]

    async def _vector(self, seed: Seed, ground: _Ground, upload: Upload | None, analysis: AnalyzeQuery) -> Floats:
        name, space = ground.generation, ground.space
        if seed.track is not None:
            return ground.vectors[seed.track]
        if seed.embedding is not None:
            return checked_vector(seed.embedding, self._generations.dim(name), "The embedding of a seed")
        if seed.prototype is not None:
            return await self._of_prototype(seed.prototype, name, space)
        if seed.tag is not None:
            return await self._of_tag(" ".join(seed.tag.lower().split()), name)
        assert upload is not None, "checked before. This is a bug."  # noqa: S101
        assert space is not None, "an upload is looked for where it can be embedded. This is a bug."  # noqa: S101
        return unit(await self._tracks.embed(upload, space, analysis))

    async def _of_prototype(self, prototype_id: str, name: str, space: Space | None) -> Floats:
        """Its own vector where the model reads the embedding of the catalogue, else where its evidence points."""
        found = self.prototypes.find(prototype_id)
        if found is not None and space is not None and space.carries(found.head):
            return unit(found.head.classifier.raw_prototypes()[found.index])
        self._needs_current(name)
        carriers = await self._catalog.carriers(prototype=prototype_id)
        if not len(carriers):
            what = "No track carries evidence of the prototype" if found else "There is no prototype"
            raise SonotypeError(Code.NOT_FOUND, f"{what} {prototype_id[:200]!r}.")
        return direction(carriers, await self._catalog.centre())

    async def _of_tag(self, tag: str, name: str) -> Floats:
        self._needs_current(name)
        carriers = await self._catalog.carriers(tag=tag)
        if not len(carriers):
            raise SonotypeError(Code.NOT_FOUND, f"No track carries the tag {tag!r}.")
        return direction(carriers, await self._catalog.centre())

    def _needs_current(self, name: str) -> None:
        """What tracks carry is only looked up in the current generation."""
        if name != self._generations.current:
            detail = "Tags and prototypes cannot be mixed with this seed until the new generation is current."
            raise SonotypeError(Code.CONFLICT, detail)
