"""The live use case: open sessions, as many as may be, and end them when the service stops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from sonotype.audio.pool import DecodeLimits
from sonotype.core.errors import Code, SonotypeError, draining
from sonotype.core.settings import Settings
from sonotype.plane.compute import plan_id
from sonotype.plane.live.cutting import Cutter
from sonotype.plane.live.parts import Part, make_parts, networks
from sonotype.plane.live.port import Lineup, Lineups
from sonotype.plane.live.query import ListenQuery
from sonotype.plane.live.session import Session, SessionLimits
from sonotype.plane.live.sources import open_source
from sonotype.plane.live.tagging import Smoother, Tagger
from sonotype.serving.admission import Admission
from sonotype.telemetry import metrics

_RETRY_AFTER_S = 5.0
# A pause of a player or a microphone is longer than one of an upload, a broadcast longer than a file.
_IDLE_TIMES, _LONGEST_TIMES = 3, 4


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """Bounds of all sessions.

    Attributes:
        sessions: open at once; 0 refuses all.
        shortest_hop_s: smallest time between two answers.
        deadline_s: longest that one patch may take.
        session: of each.
        decode: of the children that decode streams.
    """

    sessions: int
    shortest_hop_s: float
    deadline_s: float
    session: SessionLimits
    decode: DecodeLimits

    @classmethod
    def of(cls, settings: Settings) -> LiveLimits:
        """What the settings say."""
        longest_s = _LONGEST_TIMES * settings.max_clip_s
        return cls(
            sessions=settings.live_sessions,
            shortest_hop_s=settings.live_hop_s,
            deadline_s=settings.deadline_s,
            session=SessionLimits(_IDLE_TIMES * settings.upload_idle_timeout_s, longest_s),
            decode=DecodeLimits(max_clip_s=longest_s),
        )


class Live:
    """Opens live sessions.

    Args:
        lineups: where a session gets its models from.
        admission: of the service.
        limits: see `LiveLimits`.
    """

    def __init__(self, lineups: Lineups, admission: Admission, limits: LiveLimits) -> None:
        self._lineups = lineups
        self._admission = admission
        self._limits = limits
        self._open: set[Session] = set()
        self._opening = 0
        self._draining = False

    @property
    def n_open(self) -> int:
        """Sessions that are open, or being opened."""
        return self._opening

    @asynccontextmanager
    async def open(self, query: ListenQuery) -> AsyncIterator[Session]:
        """Open a session; leaving the context gives up what is on its way.

        Raises:
            SonotypeError: DRAINING, OVERLOADED with too many sessions, UNAVAILABLE, MODEL_NOT_FOUND, INVALID_REQUEST.
        """
        with self._place(), self._lineups.lease() as lineup:
            session = self._session(lineup, query)
            self._open.add(session)
            try:
                session.attach(await open_source(query.audio, session, self._limits.decode))
                yield session
            finally:
                self._open.discard(session)
                await session.aclose()

    def drain(self) -> None:
        """End every session, and open none any more."""
        self._draining = True
        for session in self._open:
            session.fail(draining(_RETRY_AFTER_S))

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._draining:
            raise draining(_RETRY_AFTER_S)
        if not self._limits.sessions:
            raise SonotypeError(Code.UNAVAILABLE, "Live tagging is switched off here.")
        if self._opening >= self._limits.sessions:
            detail = f"{self._limits.sessions} live sessions are open, which is as many as may be."
            raise SonotypeError(Code.OVERLOADED, detail, retry_after_s=_RETRY_AFTER_S)
        self._opening += 1
        metrics.LIVE_SESSIONS.set(self._opening)
        try:
            yield
        finally:
            self._opening -= 1
            metrics.LIVE_SESSIONS.set(self._opening)

    def _session(self, lineup: Lineup, query: ListenQuery) -> Session:
        parts = make_parts(lineup, query, self._limits.shortest_hop_s)
        plans = networks(parts)
        readers: defaultdict[str, list[Part]] = defaultdict(list)
        for part in parts:
            readers[plan_id(part.plan)].append(part)
        client, deadline_s = query.analysis.client, self._limits.deadline_s
        tagger = Tagger(lineup, self._admission, plans, readers, deadline_s=deadline_s, client=client)
        return Session(parts, Cutter(plans), tagger, Smoother(query.smoothing_s), self._limits.session)
