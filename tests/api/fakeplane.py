"""A plane without audio, workers or cache: it remembers what it was asked and answers from the bytes alone."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import fakeheads
import fakeprototypes as fake
import numpy as np
from fakecatalog import FakeCatalog

from quality_kit import grid_card
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Analysis, ClipInfo, ModelResult, PatchReport, Upload
from sonotype.models.card import AnyCard, Card, HeadCard, PrototypeCard, read_card
from sonotype.plane.catalog.port import CatalogState
from sonotype.plane.port import ModelChange, ModelInfo, Readiness
from sonotype.plane.quality import choose_patchout
from sonotype.plane.query import AnalyzeQuery
from sonotype.plane.sonification import (
    AudioFile,
    AudioFormat,
    PrototypeInfo,
    Rendering,
    Sonified,
    SonifyQuery,
)

MODELS = Path(__file__).parent.parent / "data" / "models"
N_PATCHES = 3
OVERLAP_S = 0.25


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
        self.catalog_state: CatalogState = "ok"
        self.error: Exception | None = None
        self.hold = False
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.calls: list[tuple[Upload, AnalyzeQuery]] = []
        self.held_bytes = 0
        self.peak_bytes = 0
        self.max_held_bytes = 2**40
        card = read_card(MODELS / "fake" / "card.toml")
        other = grid_card("other").model_copy(update={"version": "2"})
        self._cards: dict[str, AnyCard] = {card.name: card, other.name: other, "pecmae": fake.prototype_card(card)}
        self._cards |= fakeheads.head_cards(card)
        self._prototypes = fake.prototypes()
        self.model_control = "explicit"
        self._past: dict[str, list[str]] = {}
        self._unloaded: set[str] = set()
        self.catalog = FakeCatalog()
        self.draining = False
        self.rendered: list[tuple[str, Rendering | None, AudioFormat]] = []
        # sonifications: what was asked, how they go wrong, and how many are running
        self.sonify_calls: list[tuple[SonifyQuery, Upload | None]] = []
        self.n_chunks = 8
        self.chunk_bytes = 4096
        self.hold_at: int | None = None
        self.fail_at: int | None = None
        self.failure: Exception = SonotypeError(Code.UNAVAILABLE, "The decoder went away.")
        self.length_known = True
        self.n_open = 0
        self.n_sent = 0
        self.left = asyncio.Event()

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
        results = (self._result(name, upload, query) for name in names)
        return Analysis(clip, tuple(results), {"decode": 0.012})

    def models(self) -> list[ModelInfo]:
        return [self._info(card) for card in self._cards.values()]

    def model(self, name: str) -> ModelInfo:
        card = self._cards.get(name.partition("@")[0])
        if card is None:
            raise SonotypeError(Code.MODEL_NOT_FOUND, "No such model.")
        return self._info(card)

    async def load_model(self, name: str, version: str | None = None) -> ModelChange:
        return self._change(name, version or "3")

    async def rollback_model(self, name: str) -> ModelChange:
        self._may_change(name)
        if not self._past.get(name):
            raise SonotypeError(Code.CONFLICT, "There is no earlier version.")
        past = self._past[name].pop()
        change = self._change(name, past)
        self._past[name].pop()
        return change

    async def unload_model(self, name: str) -> ModelChange:
        self._may_change(name)
        if name == "fake":
            raise SonotypeError(Code.CONFLICT, "The default model cannot be unloaded.")
        self._unloaded.add(name)
        return ModelChange(self.model(name), self.model(name).card.version)

    def _may_change(self, name: str) -> ModelInfo:
        if self.model_control == "none":
            raise SonotypeError(Code.FORBIDDEN, "This deployment does not let its models be changed.")
        return self.model(name)

    def _change(self, name: str, version: str) -> ModelChange:
        card = self._may_change(name).card
        self._past.setdefault(name, []).append(card.version)
        self._cards[name] = card.model_copy(update={"version": version})
        return ModelChange(self.model(name), card.version)

    def prototypes(self, model: str | None = None, label: str | None = None) -> list[PrototypeInfo]:
        if model is not None and self.model(model).card.name != "pecmae":
            return []
        return [info for info in self._prototypes.values() if label in (None, info.label)]

    def prototype(self, prototype_id: str) -> PrototypeInfo:
        if prototype_id not in self._prototypes:
            raise SonotypeError(Code.NOT_FOUND, "There is no such prototype.")
        return self._prototypes[prototype_id]

    async def prototype_audio(
        self, prototype_id: str, rendering: Rendering | None, audio_format: AudioFormat
    ) -> AudioFile:
        self.rendered.append((prototype_id, rendering, audio_format))
        if self.error is not None:
            raise self.error
        info = self.prototype(prototype_id)
        chosen = rendering or info.offered
        if chosen is None or chosen not in info.renderings:
            raise SonotypeError(Code.NOT_FOUND, "This prototype has no such rendering.")
        return fake.audio_file(info, chosen, audio_format)

    @asynccontextmanager
    async def sonify(self, query: SonifyQuery, upload: Upload | None = None) -> AsyncIterator[Sonified]:
        self.sonify_calls.append((query, upload))
        self.started.set()
        self.n_open += 1
        try:
            if self.error is not None:
                raise self.error
            if self.hold:
                await asyncio.Event().wait()
            n_segments = query.path.points if query.path else 1
            yield Sonified(
                model="pecmae@1",
                sample_rate_hz=16000,
                n_samples=65536 * n_segments,
                labels=tuple(fake.LABELS[i % 3] for i in range(n_segments)),
                scores=tuple(0.912345678 / (i + 1) for i in range(n_segments)),
                media_type=fake.MEDIA_TYPES[query.format],
                n_bytes=self.n_chunks * self.chunk_bytes if self.length_known and query.format == "wav" else None,
                chunks=self._chunks(),
            )
        finally:
            self.n_open -= 1
            self.left.set()

    def sonified_bytes(self) -> bytes:
        return b"".join(bytes([i % 256]) * self.chunk_bytes for i in range(self.n_chunks))

    async def _chunks(self) -> AsyncIterator[bytes]:
        for i in range(self.n_chunks):
            if i == self.fail_at:
                raise self.failure
            if i == self.hold_at:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            self.n_sent += 1
            yield bytes([i % 256]) * self.chunk_bytes

    async def readiness(self) -> Readiness:
        return Readiness(self.ready, 1 if self.ready else 0, 1, self.draining, "ok", catalog=self.catalog_state)

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

    def _result(self, name: str, upload: Upload, query: AnalyzeQuery) -> ModelResult:
        card = self.model(name).card
        if isinstance(card, PrototypeCard):
            return _reasoned(card, _result(_network(self._cards["fake"]), upload, query), upload)
        if isinstance(card, HeadCard):
            return fakeheads.judged(card, _result(_network(self._cards["fake"]), upload, query))
        return _result(_network(card), upload, query)

    def _info(self, card: AnyCard) -> ModelInfo:
        served = card.name not in self._unloaded
        return ModelInfo(card, card.name == "fake", pulled=True, served=served, precision="fp32" if served else None)


def _network(card: AnyCard) -> Card:
    assert isinstance(card, Card)
    return card


def _reasoned(card: PrototypeCard, backbone: ModelResult, upload: Upload) -> ModelResult:
    """The answer of the head on top of what its backbone said."""
    reasons = fake.reasons(np.random.default_rng(int(upload.sha256[:8], 16)), N_PATCHES)
    return replace(
        backbone,
        model=card.address,
        model_sha256=card.weights.sha256,
        labels=card.labels,
        tags=fake.probabilities(reasons.logits),
        taggram=fake.probabilities(reasons.patch_logits),
        reasons=reasons,
    )


def _result(card: Card, upload: Upload, query: AnalyzeQuery) -> ModelResult:
    quality, patchout = choose_patchout(card, query)
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
        patches=PatchReport(N_PATCHES, 2.992, 2.992, card.patch.tail, card.patch.short, 0.0, 0.0, OVERLAP_S),
        quality=quality,
        patchout=patchout,
    )
