"""Which lineup is served, and how another takes its place while requests run.

The new one is made ready beside the old one, then takes over between two requests. Workers that nobody needs any more
are closed when the last request that holds them has its answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.registry import Registry
from sonotype.plane.deployment import Deployment
from sonotype.plane.lineup import Crew, Lineup
from sonotype.plane.prototypes import Prototypes
from sonotype.serving.batcher import Batcher
from sonotype.serving.rate import ServiceRate
from sonotype.telemetry import metrics

_log = logging.getLogger(__name__)
_LONGEST_START_S = 300.0
_LONGEST_HOLD_S = 3600.0  # a file of a job; live sessions that last longer have to connect again
_MOST_CREWS = 3
_REMEMBERED = 4
_GRACE_S = 1.0  # covers the moment between a caller who leaves and the computation that goes on for others

Recruit = Callable[[Registry, Deployment], Batcher]


class Follower(Protocol):
    """What keeps things that depend on the models, and changes them along."""

    async def prepare(self, lineup: Lineup) -> None:
        """Get ready for a lineup, which may still not come. Raises `SonotypeError` to keep it from coming."""

    def adopt(self, lineup: Lineup) -> None:
        """The lineup that was prepared for takes over now."""


@dataclass(slots=True)
class _Lease:
    """What one request took; without a lineup when it has ended."""

    owner: Lineups
    lineup: Lineup | None


_LEASE: ContextVar[_Lease | None] = ContextVar("lease", default=None)


class Lineups:
    """Holds the present lineup.

    Args:
        registry: the models that there are.
        deployment: what to serve first.
        recruit: makes the workers of a deployment and the batcher in front of them; it starts nothing.
        rate: how fast audio is served; shared with admission.

    Attributes:
        current: the present lineup.
        follower: told of changes, if there is one.
    """

    def __init__(self, registry: Registry, deployment: Deployment, recruit: Recruit, rate: ServiceRate) -> None:
        self._recruit = recruit
        self._rate = rate
        crew = Crew(recruit(registry, deployment), deployment.networks)
        crew.batcher.rate = rate
        self._crews = [crew]
        self._farewells: dict[Crew, asyncio.Task[None]] = {}
        self.current = Lineup(registry, deployment, Prototypes(deployment.prototype_models), crew)
        self.follower: Follower | None = None
        self._before: deque[Lineup] = deque(maxlen=_REMEMBERED)
        self._tell()

    @contextmanager
    def lease(self) -> Iterator[Lineup]:
        """The lineup of now, kept for as long as the context is open.

        Whatever a request does within it gets the same one: a lease within a lease is of the outer one's lineup.
        """
        outer = _LEASE.get()
        if outer is not None and outer.lineup is not None and outer.owner is self:
            with outer.lineup.crew.hold():
                yield outer.lineup
            return
        lineup = self.current
        lease = _Lease(self, lineup)
        _LEASE.set(lease)
        try:
            with lineup.crew.hold():
                yield lineup
        finally:
            lease.lineup = None

    def knowing(self, address: str) -> Lineup:
        """The present lineup, or the one before it that served a version (`name@version`) that is served no more.

        An answer that was made before a change is still to be explained after it.
        """
        name, _, version = address.partition("@")
        lineups = (self.current, *self._before)
        return next((it for it in lineups if it.deployment.version(name) == version), self.current)

    async def start(self) -> None:
        """Start the first workers and return at once."""
        await self.current.batcher.start()

    async def aclose(self) -> None:
        """Close all workers, also those that requests still hold."""
        farewells = dict(self._farewells)
        for crew, task in farewells.items():
            if not crew.closing:
                task.cancel()
        await asyncio.gather(*farewells.values(), return_exceptions=True)
        await asyncio.gather(*(crew.batcher.aclose() for crew in self._crews))

    async def replace(self, registry: Registry, deployment: Deployment) -> Lineup:
        """Make a lineup and let it take over; one call at a time.

        The workers stay where the networks are the same. Cancelling the call, like any failure, leaves the old lineup
        as it was.

        Raises:
            SonotypeError: `conflict` where too many requests still run on replaced workers; why a worker cannot load;
                why the follower cannot follow.
        """
        prototypes = await asyncio.to_thread(Prototypes, deployment.prototype_models)
        crew = self._known(deployment) or await self._begin(registry, deployment)
        lineup = Lineup(registry, deployment, prototypes, crew)
        with crew.hold():  # they may be those that are being seen off
            try:
                if self.follower is not None:
                    await self.follower.prepare(lineup)
            except BaseException:
                self._dismiss_unless_current(crew)
                raise
            self._take_over(lineup)
        return lineup

    def _known(self, deployment: Deployment) -> Crew | None:
        """Workers that are there already: those of now, or some that are being seen off."""
        fit = (crew for crew in reversed(self._crews) if crew.networks == deployment.networks and not crew.closing)
        return next(fit, None)

    async def _begin(self, registry: Registry, deployment: Deployment) -> Crew:
        """New workers, every one of them up."""
        if len(self._crews) >= _MOST_CREWS:
            detail = "Requests still run with models that were replaced before; try again when they have ended."
            raise SonotypeError(Code.CONFLICT, detail)
        batcher = self._recruit(registry, deployment)
        batcher.stand_by()
        crew = Crew(batcher, deployment.networks)
        try:
            await batcher.start()
            await batcher.wait_every(_LONGEST_START_S)
        except BaseException:
            await batcher.aclose()
            raise
        self._crews.append(crew)
        self._tell()
        return crew

    def _take_over(self, lineup: Lineup) -> None:
        """The moment itself: no request can come in between."""
        old, self.current = self.current, lineup
        self._before.appendleft(old)
        if old.crew is not lineup.crew:
            farewell = self._farewells.pop(lineup.crew, None)
            if farewell is not None:
                farewell.cancel()
            old.batcher.stand_by()
            lineup.batcher.take_over(self._rate)
            self._dismiss_unless_current(old.crew)
        if self.follower is not None:
            self.follower.adopt(lineup)
        self._tell()

    def _dismiss_unless_current(self, crew: Crew) -> None:
        if crew is not self.current.crew and crew not in self._farewells:
            self._farewells[crew] = asyncio.create_task(self._see_off(crew), name="see-off-workers")

    async def _see_off(self, crew: Crew) -> None:
        """Close workers when nobody has held them for a moment."""
        try:
            async with asyncio.timeout(_LONGEST_HOLD_S):
                while True:
                    await crew.unused.wait()
                    await asyncio.sleep(_GRACE_S)
                    if crew.unused.is_set():
                        break
        except TimeoutError:
            _log.warning("workers that were replaced are closed although requests still hold them")
        crew.closing = True
        await crew.batcher.aclose()
        self._crews.remove(crew)
        del self._farewells[crew]
        self._tell()

    def _tell(self) -> None:
        """What Prometheus is told: the models of now and how many sets of workers there are."""
        metrics.LINEUPS.set(len(self._crews))
        metrics.MODEL_INFO.clear()
        for model in self.current.batcher.models:
            card, device = model.card, self.current.batcher.device
            metrics.MODEL_INFO.labels(card.name, card.version, card.weights_sha256, model.precision, device).set(1)
        for head in self.current.deployment.heads.values():
            sha256 = head.card.weights.sha256
            metrics.MODEL_INFO.labels(head.card.name, head.card.version, sha256, "fp32", "cpu").set(1)
