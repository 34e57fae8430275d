"""The face of the plane, as the faces of the service see it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from sonotype.core.types import Analysis, Task, Upload
from sonotype.models.card import ListedCard
from sonotype.plane.catalog.port import CatalogPlane, CatalogState
from sonotype.plane.live.port import LiveSession
from sonotype.plane.live.query import ListenQuery
from sonotype.plane.query import AnalyzeQuery
from sonotype.plane.sonification import AudioFile, AudioFormat, PrototypeInfo, Rendering, Sonified, SonifyQuery


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A card together with its state in this deployment."""

    card: ListedCard
    is_default: bool
    pulled: bool
    served: bool
    precision: str | None


@dataclass(frozen=True, slots=True)
class ModelChange:
    """What became of a model that was loaded, rolled back or unloaded.

    Attributes:
        model: as it is now.
        previous: the version that was served before, if one was.
    """

    model: ModelInfo
    previous: str | None


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether requests can be answered now, and the reasons where they cannot.

    The cache and the catalogue are told, but do not decide about `ready`: without them the service still analyses.
    """

    ready: bool
    workers_up: int
    workers_wanted: int
    draining: bool
    cache: str
    problems: tuple[str, ...] = ()
    catalog: CatalogState = "none"

    @property
    def finds(self) -> bool:
        """Ready, and the catalogue is open: its requests are answered, too."""
        return self.ready and self.catalog in ("ok", "degraded")


class Plane(Protocol):
    """Everything a face may do."""

    @property
    def catalog(self) -> CatalogPlane:
        """The use cases of the catalogue. Reading it raises `unavailable` while there is none or it is being opened."""

    async def analyze(self, upload: Upload, query: AnalyzeQuery) -> Analysis:
        """Analyse one upload. Cancelling the call abandons its work. Raises `SonotypeError`."""

    def models(self) -> list[ModelInfo]:
        """Every model of the repositories, served or not, and every tagger, sorted by name."""

    def model(self, name: str) -> ModelInfo:
        """One model by `name` or `name@version`. Raises `SonotypeError` (`model_not_found`)."""

    async def load_model(self, name: str, version: str | None = None) -> ModelChange:
        """Serve a version of a model, the newest where none is named, from now on; requests go on meanwhile.

        Raises:
            SonotypeError: `forbidden`, `model_not_found`, `conflict`; why it cannot be loaded. What was served before
                is served then.
        """

    async def rollback_model(self, name: str) -> ModelChange:
        """Serve the version of a model that was served before the present one. Raises as `load_model`."""

    async def unload_model(self, name: str) -> ModelChange:
        """Serve a model no longer. Raises `forbidden`, `model_not_found`, `conflict` where it is needed."""

    def prototypes(self, model: str | None = None, label: str | None = None) -> list[PrototypeInfo]:
        """Prototypes of the served models, of one model or label where named. Raises `model_not_found`."""

    def prototype(self, prototype_id: str) -> PrototypeInfo:
        """One prototype. Raises `not_found`."""

    async def prototype_audio(
        self, prototype_id: str, rendering: Rendering | None, audio_format: AudioFormat
    ) -> AudioFile:
        """One rendering of a prototype, made now if it is not there yet; None takes the offered one.

        Raises:
            SonotypeError: `not_found` for an unknown prototype, seed or rendering; `overloaded`, `unavailable`.
        """

    def sonify(self, query: SonifyQuery, upload: Upload | None = None) -> AbstractAsyncContextManager[Sonified]:
        """Generate audio; entering the context plans and queues it, leaving the context abandons what is not done.

        Raises:
            SonotypeError: any code of the table.
        """

    def listen(self, query: ListenQuery) -> AbstractAsyncContextManager[LiveSession]:
        """Open a live session; leaving the context gives up what is on its way.

        Raises:
            SonotypeError: `overloaded` with too many sessions, `draining`, `unavailable`, `model_not_found`,
                `invalid_request`.
        """

    async def readiness(self) -> Readiness:
        """The state that `/readyz` and gRPC health report."""

    def announce_drain(self) -> None:
        """Say that we are about to stop: not ready any more, but still answering."""

    def refuse_work(self) -> None:
        """From now on requests that need computing are refused; what was admitted is finished."""

    def authenticate(self, key: str | None) -> str | None:
        """Client id of an API key; `None` where the service is open. Raises `unauthenticated`."""

    def reserve_bytes(self) -> AbstractContextManager[ByteBudget]:
        """A counter for the bytes of one upload, given back when the context is left."""


class ByteBudget(Protocol):
    """Bytes of one upload while it arrives."""

    def add(self, n_bytes: int) -> None:
        """Count `n_bytes` more. Raises `upload_too_large` or, when all uploads together are too many, `overloaded`."""


def pick_tags(
    labels: tuple[str, ...], scores: Iterable[float], top_k: int | None, threshold: float, task: Task = "multilabel"
) -> list[tuple[str, float]]:
    """Labels with their scores, best first, ties in label order, at least `threshold`, at most `top_k`.

    The values of a regression are no scores: all are shown in label order, or none where `top_k` is 0.
    """
    if task == "regression":
        return [] if top_k == 0 else list(zip(labels, scores, strict=True))
    ranked = sorted(zip(labels, scores, strict=True), key=lambda pair: -pair[1])
    kept = [(label, score) for label, score in ranked if score >= threshold]
    return kept if top_k is None else kept[:top_k]
