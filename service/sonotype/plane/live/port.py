"""Live sessions as a face sees them, and what they need of what is served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from sonotype.core.types import Floats, Task
from sonotype.models.card import Card
from sonotype.plane.deployment import Model
from sonotype.serving.item import Item, ItemSpec


@dataclass(frozen=True, slots=True)
class LiveModel:
    """One model of a session.

    Attributes:
        model: `name@version`.
        task: what its scores are.
        labels: the label of each score.
        patch_s: seconds of audio in a patch; the first answer comes after so much.
        hop_s: seconds between its answers.
    """

    model: str
    task: Task
    labels: tuple[str, ...]
    patch_s: float
    hop_s: float


@dataclass(frozen=True, slots=True)
class LiveScores:
    """What one model heard in one patch: smoothed and plain scores, shape [n_labels]."""

    model: LiveModel
    scores: Floats
    raw: Floats


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """What was heard up to one moment.

    Attributes:
        time_s: end of the patch, in seconds of audio since the session began.
        start_s: its start.
        lag_s: seconds from the arrival of the last sample of the patch to this answer.
        models: those whose patch ends here.
    """

    time_s: float
    start_s: float
    lag_s: float
    models: tuple[LiveScores, ...]


class LiveSession(Protocol):
    """An open session. Feed it and iterate over its answers at the same time, from two tasks."""

    @property
    def models(self) -> tuple[LiveModel, ...]:
        """The models, in the order asked."""

    @property
    def audio_s(self) -> float:
        """Seconds of audio heard so far."""

    @property
    def n_answers(self) -> int:
        """Answers given so far."""

    @property
    def over(self) -> bool:
        """Nothing that is fed will be heard any more; the answers say why."""

    async def feed(self, data: bytes) -> None:
        """Take the next bytes; waits while there is enough to do, or answers are not taken. Never raises."""

    async def end(self) -> None:
        """No more audio will come. What is still to be answered is answered."""

    def answers(self) -> AsyncIterator[LiveAnswer]:
        """The answers in order, once; ends when all audio is answered.

        Raises:
            SonotypeError: why the session ended early, after the answers that were on their way.
        """


class Lineup(Protocol):
    """The models that are served together, as one session uses them from its start to its end."""

    @property
    def default_model(self) -> str:
        """Name of the model that answers when none is asked for."""

    def find(self, address: str) -> Model:
        """The served model of `name` or `name@version`. Raises `model_not_found`."""

    def precision(self, card: Card) -> str | None:
        """Arithmetic of a network; None until a worker has loaded it."""

    def open(self, spec: ItemSpec) -> AbstractAsyncContextManager[Item]:
        """A place in the batcher; see `Batcher.open`."""


class Lineups(Protocol):
    """Where sessions get their lineup from."""

    def lease(self) -> AbstractContextManager[Lineup]:
        """The lineup of now, kept for as long as the context is open."""
