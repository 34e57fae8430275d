"""Live sessions without processes: a lineup that computes with the fake model in the test's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import numpy as np

from prototype_models import FAKES
from sonotype.audio.clip import mean_of_channels
from sonotype.audio.live.resampling import Resampling
from sonotype.audio.pool import DecodeLimits
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Window
from sonotype.models.card import Card, read_card
from sonotype.models.patches import Patcher
from sonotype.models.runtime.fake import FakeRuntime
from sonotype.plane.live.parts import make_parts
from sonotype.plane.live.port import LiveAnswer
from sonotype.plane.live.query import AudioIn, ListenQuery, StreamFormat
from sonotype.plane.live.session import Session, SessionLimits
from sonotype.plane.live.sessions import Live, LiveLimits
from sonotype.plane.query import AnalyzeQuery
from sonotype.serving.admission import Admission
from sonotype.serving.item import ItemSpec

CARD = read_card(FAKES / "fake" / "card.toml")
RATE_HZ = 16000
PATIENT = SessionLimits(idle_s=60, longest_s=3600)


class FakeItem:
    """An item of one row."""

    def __init__(self, lineup: FakeLineup, spec: ItemSpec) -> None:
        self._lineup = lineup
        self._spec = spec

    async def put(self, window: Window) -> None:
        self._window = window

    async def result(self, n_patches: int) -> dict[str, Floats]:
        assert n_patches == 1
        await self._lineup.turn()
        return run_rows(self._lineup.runtime, [self._window], self._spec.frontend)


class FakeLineup:
    """Implements `Lineup` and `Lineups`. With `hold` nothing is answered until `let_go`."""

    default_model = "fake"

    def __init__(self, card: Card = CARD) -> None:
        self.card = card
        self.runtime = FakeRuntime(card)
        self.specs: list[ItemSpec] = []
        self.failure: SonotypeError | None = None
        self.ready = True
        self._open = asyncio.Event()
        self._open.set()

    def hold(self) -> None:
        self._open.clear()

    def let_go(self) -> None:
        self._open.set()

    async def turn(self) -> None:
        await self._open.wait()
        if self.failure is not None:
            raise self.failure

    @contextmanager
    def lease(self) -> Iterator[FakeLineup]:
        yield self

    def find(self, address: str) -> Card:
        if address not in ("fake", self.card.address):
            raise SonotypeError(Code.MODEL_NOT_FOUND, "No such model.")
        return self.card

    def precision(self, card: Card) -> str | None:
        return "fp32" if self.ready else None

    @asynccontextmanager
    async def open(self, spec: ItemSpec) -> AsyncIterator[FakeItem]:
        self.specs.append(spec)
        yield FakeItem(self, spec)


def run_rows(runtime: FakeRuntime, windows: list[Window], frontend: str) -> dict[str, Floats]:
    samples = np.stack([window.samples for window in windows])
    valid = np.array([window.valid_frames for window in windows])
    return dict(runtime.run(samples, valid, windows[0].fill, frontend).arrays)


def live(
    lineup: FakeLineup, *, sessions: int = 4, limits: SessionLimits = PATIENT, admission: Admission | None = None
) -> Live:
    bounds = LiveLimits(sessions, 0.25, 60.0, limits, DecodeLimits())
    return Live(lineup, admission or Admission(14400), bounds)  # type: ignore[arg-type]


def asked(
    form: StreamFormat = "pcm_f32le",
    rate_hz: int = RATE_HZ,
    channels: int = 1,
    smoothing_s: float = 0.0,
    **analysis: object,
) -> ListenQuery:
    query = AnalyzeQuery(**{"models": ("fake",), "hop_s": 0.25, **analysis})  # type: ignore[arg-type]
    return ListenQuery(query, AudioIn(form, rate_hz, channels), smoothing_s)


async def told(session: Session) -> list[LiveAnswer]:
    return [answer async for answer in session.answers()]


async def heard(lineup: FakeLineup, query: ListenQuery, chunks: list[bytes]) -> list[LiveAnswer]:
    """Everything a session answers to some audio."""
    async with live(lineup).open(query) as session:

        async def feed() -> None:
            for chunk in chunks:
                await session.feed(chunk)
            await session.end()

        feeding = asyncio.create_task(feed())
        answers = await told(session)
        await feeding
        return answers


def offline(lineup: FakeLineup, query: ListenQuery, samples: Floats) -> Floats:
    """What the same audio [n, channels] gives as a whole clip, shape [n_patches, n_labels]."""
    (part,) = make_parts(lineup, query, 0.25)
    rate = Resampling(part.plan.spec.sample_rate_hz)
    mono = np.concatenate([rate.feed(query.audio.rate_hz, mean_of_channels(samples)), rate.finish()])
    patcher = Patcher(part.plan.spec, part.plan.patch)
    windows = patcher.feed(mono) + patcher.finish()
    return run_rows(lineup.runtime, windows, part.plan.frontend)["tags"]


def raw_scores(answers: list[LiveAnswer]) -> Floats:
    return np.stack([answer.models[0].raw for answer in answers])


def noise(seconds: float, rate_hz: int = RATE_HZ, channels: int = 1, seed: int = 0) -> Floats:
    random = np.random.default_rng(seed)
    return random.uniform(-0.5, 0.5, (round(seconds * rate_hz), channels)).astype(np.float32)
