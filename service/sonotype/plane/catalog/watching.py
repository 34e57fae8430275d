"""Look after an open catalogue: what Prometheus and probes are told, and when a new generation takes over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from time import monotonic
from typing import Literal, Protocol, runtime_checkable

from sonotype.catalog.index.values import IndexFacts
from sonotype.catalog.port import Catalog, CatalogStatus
from sonotype.core.errors import SonotypeError
from sonotype.plane.catalog.generations import Generations
from sonotype.telemetry import metrics

_log = logging.getLogger(__name__)
LOOK_S = 5.0
RECALL_S = 900.0
RECALL_SAMPLE = 16


@runtime_checkable
class Indexed(Protocol):
    """An engine that keeps its indexes itself, and knows how they are."""

    async def index_facts(self) -> Sequence[IndexFacts]:
        """Of the index of each generation."""


class Watch:
    """Looks at the catalogue every few seconds.

    Args:
        catalog: the engine.
        generations: promoted when they are whole.
        look_s: seconds between looks.

    Attributes:
        state: of the catalogue, as probes are told.
        problems: what is amiss, for people.
    """

    def __init__(self, catalog: Catalog, generations: Generations, look_s: float = LOOK_S) -> None:
        self._catalog = catalog
        self._generations = generations
        self._look_s = look_s
        self._recall_at = monotonic() + RECALL_S
        self._task: asyncio.Task[None] | None = None
        self.state: Literal["ok", "degraded", "away"] = "ok"
        self.problems: tuple[str, ...] = ()

    async def start(self) -> None:
        """Look now, and from now on. The engine has just answered, so the first look is waited for."""
        await self.look()
        self._task = asyncio.create_task(self._run(), name="watch-catalogue")

    async def aclose(self) -> None:
        """Look a last time: what was filled just now need not wait for the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self.look()

    async def look(self) -> None:
        """Tell what there is, and promote a generation that has become whole."""
        try:
            status = await self._generations.status()
            await self._generations.settle(status)
            facts = await self._catalog.index_facts() if isinstance(self._catalog, Indexed) else []
            if monotonic() >= self._recall_at:
                await self._sample_recall(status)
        except SonotypeError as error:
            self._note("away", (error.detail,))
            return
        self._tell(status, facts)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - background job: the next look may see more
                _log.exception("the catalogue could not be looked at")

    async def _sample_recall(self, status: CatalogStatus) -> None:
        """A few tracks now and then: enough to see an index that has gone bad, too little to be felt."""
        self._recall_at = monotonic() + RECALL_S
        current = next((g for g in status.generations if g.current), None)
        if current is not None and current.tracks and current.degraded is None:
            metrics.CATALOG_INDEX_RECALL.set(await self._catalog.recall(current.name, RECALL_SAMPLE))

    def _tell(self, status: CatalogStatus, facts: Sequence[IndexFacts]) -> None:
        degraded = [f"{g.name}: {g.degraded}" for g in status.generations if g.degraded is not None]
        metrics.CATALOG_TRACKS.set(status.tracks)
        metrics.CATALOG_STALE_TRACKS.set(status.stale)
        metrics.CATALOG_INDEX_DEGRADED.set(bool(degraded))
        _tell_indexes(facts)
        full = () if status.writable else ("the disk is too full to store tracks",)
        failed = {f"no snapshot can be written: {it.snapshot_failed}" for it in facts if it.snapshot_failed}
        self._note("degraded" if degraded else "ok", (*degraded, *full, *sorted(failed)))

    def _note(self, state: Literal["ok", "degraded", "away"], problems: tuple[str, ...]) -> None:
        if problems != self.problems and problems:
            _log.warning("the catalogue is %s: %s", state, "; ".join(problems))
        self.state, self.problems = state, problems


def _tell_indexes(facts: Sequence[IndexFacts]) -> None:
    if not facts:
        return
    dead = sum(it.dead for it in facts)
    metrics.CATALOG_INDEX_POSITIONS.labels("live").set(sum(it.positions for it in facts) - dead)
    metrics.CATALOG_INDEX_POSITIONS.labels("dead").set(dead)
    metrics.CATALOG_SNAPSHOT_AGE_S.set(max((it.snapshot_age_s or 0.0 for it in facts), default=0.0))
