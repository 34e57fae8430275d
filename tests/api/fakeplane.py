"""A plane without audio, workers or cache: it remembers what it was asked and answers from the bytes alone."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Analysis, ClipInfo, ModelResult, PatchReport, Upload
from sonotype.models.card import Card, read_card
from sonotype.plane.port import ModelInfo, Readiness
from sonotype.plane.query import AnalyzeQuery

MODELS = Path(__file__).parent.parent / "data" / "models"
N_PATCHES = 3


class FakeBudget:
    """Counts bytes against what the fake plane has left."""

    def __init__(self, plane: FakePlane) -> None:
        self._plane = plane
        self.n_bytes = 0

    def add(self, n_bytes: int) -> None:
        if self._plane.held_bytes + n_bytes > self._plane.max_held_bytes:
            raise SonotypeError(Code.OVERLOADED, "Too many uploads are arriving at once.", retry_after_s=2.2)
        self._plane.held_bytes += n_bytes
        self.n_bytes += n_bytes


class FakePlane:
    """Implements `plane.port.Plane`."""

    def __init__(self, keys: frozenset[str] = frozenset()) -> None:
        self.keys = keys
        self.ready = True
        self.error: Exception | None = None
        self.hold = False
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.calls: list[tuple[Upload, AnalyzeQuery]] = []
        self.held_bytes = 0
        self.peak_bytes = 0
        self.max_held_bytes = 2**40
        card = read_card(MODELS / "fake" / "card.toml")
        other = card.model_copy(update={"name": "other", "version": "2"})
        self._cards = {card.name: card, other.name: other}

    async def analyze(self, upload: Upload, query: AnalyzeQuery) -> Analysis:
        self.calls.append((upload, query))
        self.peak_bytes = max(self.peak_bytes, self.held_bytes)
        self.started.set()
        if self.error is not None:
            raise self.error
        if self.hold:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        assert upload.sha256 == hashlib.sha256(upload.data).hexdigest()
        clip = ClipInfo(upload.sha256, "wav", 44100, 2, 8.9761234)
        names = query.models or ("fake",)
        return Analysis(clip, tuple(_result(self.model(name).card, upload) for name in names), {"decode": 0.012})

    def models(self) -> list[ModelInfo]:
        return [self._info(card) for card in self._cards.values()]

    def model(self, name: str) -> ModelInfo:
        card = self._cards.get(name.partition("@")[0])
        if card is None:
            raise SonotypeError(Code.MODEL_NOT_FOUND, "No such model.")
        return self._info(card)

    async def readiness(self) -> Readiness:
        return Readiness(self.ready, 1 if self.ready else 0, 1, False, "ok")

    def authenticate(self, key: str | None) -> str | None:
        if self.keys and key not in self.keys:
            raise SonotypeError(Code.UNAUTHENTICATED, "This service needs an API key.")
        return f"client-{key}" if self.keys else None

    @contextmanager
    def reserve_bytes(self) -> Iterator[FakeBudget]:
        budget = FakeBudget(self)
        try:
            yield budget
        finally:
            self.held_bytes -= budget.n_bytes

    def _info(self, card: Card) -> ModelInfo:
        return ModelInfo(card, card.name == "fake", pulled=True, served=True, precision="fp32")


def _result(card: Card, upload: Upload) -> ModelResult:
    seed = int(upload.sha256[:8], 16) + len(card.name)
    random = np.random.default_rng(seed)
    taggram = random.random((N_PATCHES, len(card.labels)), dtype=np.float32)
    patches = {spec.name: random.standard_normal((N_PATCHES, spec.dim), dtype=np.float32) for spec in card.embeddings}
    return ModelResult(
        model=card.address,
        model_sha256=card.weights_sha256,
        frontend=card.default_frontend,
        precision="fp32",
        labels=card.labels,
        tags=taggram.mean(axis=0),
        taggram=taggram,
        starts_s=np.arange(N_PATCHES, dtype=np.float32) * np.float32(2.992),
        embeddings={name: rows.mean(axis=0) for name, rows in patches.items()},
        patch_embeddings=patches,
        patches=PatchReport(N_PATCHES, 2.992, 2.992, "repeat", "repeat", 0.0, 0.0),
    )
