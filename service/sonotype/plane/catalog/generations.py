"""Generations of embeddings: which one is current, which ones are filled, and when the alias moves.

A deployment embeds with one configured model. Where the catalogue's current generation is that of another one, the new
generation stands beside it: tracks fill it as they are put again or by a re-embedding job, and searches stay with the
old one until nothing is missing in the new one and its index finds what exact search finds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from sonotype.catalog.port import Catalog, CatalogStatus, Generation
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog.space import Space

_log = logging.getLogger(__name__)
_MIN_RECALL = 0.95
AGAIN_S, AGAIN_AT_MOST_S = 60.0, 3_600.0
"""Seconds until a refused promotion is tried again, and how far this doubles: a check compares exactly 200 times."""


class Generations:
    """Which generations there are, and who may fill them.

    Args:
        catalog: the engine.
        configured: the embedding that this deployment stores tracks with.
        served: every embedding that it can compute.
        clock: seconds, never set back.
    """

    def __init__(
        self,
        catalog: Catalog,
        configured: Space,
        served: tuple[Space, ...],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._served: dict[str, Space] = {space.generation: space for space in served}
        self._current = configured.generation
        self._dims = {configured.generation: configured.dim}
        self._complete = True
        self._refused: Generation | None = None
        self._pause_s = AGAIN_S
        self._again_at = 0.0
        self.configured = configured

    @property
    def current(self) -> str:
        """Name of the generation that the alias points to."""
        return self._current

    async def open(self) -> None:
        """Begin the generation of the configured model where there is none. Raises `SonotypeError`."""
        await self.begin(self.configured)
        status = await self.status()
        # whoever moved the alias back from a whole generation meant it: only one that becomes whole now moves it
        self._complete = status.stale == 0 and status.tracks > 0

    async def begin(self, space: Space) -> None:
        """Begin the generation of an embedding where there is none. Raises `SonotypeError`."""
        await self._catalog.add_generation(space.address, space.generation, space.card.weights_sha256, space.dim)

    def configure(self, configured: Space, served: tuple[Space, ...]) -> None:
        """Store tracks with another embedding, whose generation has begun, from now on."""
        if configured.generation != self.configured.generation:
            self._complete = False
            _log.info("tracks are embedded by %s now", configured.generation)
        self._served = {space.generation: space for space in served}
        self._dims[configured.generation] = configured.dim
        self.configured = configured

    def space(self, generation: str) -> Space | None:
        """How to embed into a generation; None where its model is not served."""
        return self._served.get(generation)

    def dim(self, generation: str) -> int:
        """Length of the vectors of a generation of `searchable`."""
        return self._dims[generation]

    def writable(self) -> tuple[Space, ...]:
        """What a new track is embedded with: the configured model, and that of the current generation while served."""
        current = self.space(self._current)
        return (self.configured,) if current in (None, self.configured) else (self.configured, current)

    def searchable(self, *, by_upload: bool) -> tuple[str, ...]:
        """Where to look for a query, best first; an upload only where it can be embedded."""
        names = tuple(dict.fromkeys((self._current, self.configured.generation)))
        return tuple(name for name in names if not by_upload or name in self._served)

    async def status(self) -> CatalogStatus:
        """Facts of the catalogue; stale are those tracks that the configured model has not embedded."""
        status = await self._catalog.status()
        self._current = next((g.name for g in status.generations if g.current), self._current)
        self._dims.update((g.name, g.dim) for g in status.generations)
        return replace(status, stale=max(0, status.tracks - _tracks(status, self.configured.generation)))

    async def promote(self, name: str) -> Generation:
        """Let searches use a generation; raises as `promote`."""
        promoted = await promote(self._catalog, name)
        self._current = promoted.name
        self._dims[promoted.name] = promoted.dim
        return promoted

    def filling(self, generation: str) -> None:
        """Tracks are being embedded again: once the configured generation is whole, that is news."""
        if generation == self.configured.generation:
            self._complete = False

    async def settle(self, status: CatalogStatus) -> None:
        """Promote the configured generation when it has just become whole.

        Not whenever nothing is stale after something was: a look meets tracks that are just being stored. What was
        refused is tried again when its index is no more being built, else after a minute, and then after twice as long
        unless the generation has changed.

        Args:
            status: as `status` says it now.
        """
        name = self.configured.generation
        if not (status.stale or self._complete):
            self._complete = self._current == name or await self._promoted(name, status)

    async def _promoted(self, name: str, status: CatalogStatus) -> bool:
        generation = next((g for g in status.generations if g.name == name), None)
        if self._clock() < self._again_at and _degraded(generation) == _degraded(self._refused):
            return False
        try:
            await self.promote(name)
        except SonotypeError as error:
            changed = generation != self._refused
            self._pause_s = AGAIN_S if changed else min(2 * self._pause_s, AGAIN_AT_MOST_S)
            self._refused, self._again_at = generation, self._clock() + self._pause_s
            _log.warning("the generation %s is whole, but stays aside: %s", name, error.detail)
            return False
        return True


async def promote(catalog: Catalog, name: str) -> Generation:
    """Let the alias point to a generation whose index finds what exact search finds, also back to an old one.

    Raises:
        SonotypeError: `not_found`; `conflict` where its recall is too low or its index is being rebuilt.
    """
    found = next((g for g in (await catalog.status()).generations if g.name == name), None)
    if found is None:
        raise SonotypeError(Code.NOT_FOUND, f"There is no generation {name[:200]!r}.")
    if found.degraded is not None:
        raise SonotypeError(Code.CONFLICT, f"The index of {name} is not ready: {found.degraded}.")
    recall = await catalog.recall(name) if found.tracks else 1.0
    if recall < _MIN_RECALL:
        detail = f"The index of {name} finds {recall:.1%} of the nearest ten; {_MIN_RECALL:.0%} are asked for."
        raise SonotypeError(Code.CONFLICT, detail)
    promoted = await catalog.promote(name)
    _log.info("searches use the generation %s now (recall@10 %.3f)", name, recall)
    return promoted


def _tracks(status: CatalogStatus, generation: str) -> int:
    return next((g.tracks for g in status.generations if g.name == generation), 0)


def _degraded(generation: Generation | None) -> bool:
    return generation is not None and generation.degraded is not None
