"""The plane: every use case behind one object, which is all that a face gets to see."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sonotype.core.types import Analysis, Upload
from sonotype.models.registry import Registry
from sonotype.plane.analyze import Analyzer, Served
from sonotype.plane.budget import ByteLedger, UploadBytes
from sonotype.plane.keys import KeyRing
from sonotype.plane.port import ModelInfo, Readiness
from sonotype.plane.query import AnalyzeQuery
from sonotype.serving.admission import Admission
from sonotype.serving.batcher import Batcher
from sonotype.serving.cache.store import CacheStore

_LONGEST_START_S = 300.0


class Service:
    """Implements `plane.port.Plane` on the adapters it is given."""

    def __init__(
        self,
        *,
        served: Served,
        served_models: frozenset[str],
        registry: Registry,
        analyzer: Analyzer,
        batcher: Batcher,
        admission: Admission,
        store: CacheStore,
        keys: KeyRing,
        upload_bytes: ByteLedger,
    ) -> None:
        self._served = served
        self._served_models = served_models
        self._registry = registry
        self._analyzer = analyzer
        self._batcher = batcher
        self._admission = admission
        self._store = store
        self._keys = keys
        self._upload_bytes = upload_bytes
        self._draining = False

    async def analyze(self, upload: Upload, query: AnalyzeQuery) -> Analysis:
        """Analyse one upload. Raises `SonotypeError`."""
        return await self._analyzer.analyze(upload, query)

    def models(self) -> list[ModelInfo]:
        """Every model of the repositories, sorted by name."""
        return [self._info(name) for name in sorted(self._registry.cards())]

    def model(self, name: str) -> ModelInfo:
        """One model by `name` or `name@version`. Raises `model_not_found`."""
        return self._info(self._registry.get(name).name)

    async def readiness(self) -> Readiness:
        """Ready while at least one worker is up and nobody asked us to stop."""
        up, wanted = self._batcher.workers_up, self._batcher.workers_wanted
        problems = tuple(f"{problem.name}: {problem.reason}" for problem in self._registry.problems)
        cache = "ok" if await self._store.ping() else "away"
        return Readiness(up > 0 and not self._draining, up, wanted, self._draining, cache, problems)

    def announce_drain(self) -> None:
        """Say that we are about to stop: not ready any more, but still answering."""
        self._draining = True

    def refuse_work(self) -> None:
        """From now on requests that need computing are refused; what was admitted is finished."""
        self._draining = True
        self._admission.draining = True

    async def wait_ready(self) -> None:
        """Wait until a worker is up. Raises `unavailable` when none can start."""
        await self._batcher.wait_ready(_LONGEST_START_S)

    def authenticate(self, key: str | None) -> str | None:
        """Client id of an API key. Raises `unauthenticated`."""
        return self._keys.client(key)

    def reserve_bytes(self) -> AbstractContextManager[UploadBytes]:
        """A counter for the bytes of one upload."""
        return self._upload_bytes.reserve()

    def _info(self, name: str) -> ModelInfo:
        card = self._registry.get(name)
        served = name in self._served_models
        return ModelInfo(
            card=card,
            is_default=name == self._served.default_model,
            pulled=self._registry.is_pulled(card),
            served=served,
            precision=self._served.precision(card) if served else None,
        )
