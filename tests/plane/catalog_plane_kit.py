"""The use cases of the catalogue on the stand-in, with real prototype models and an analysis without workers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from catalog_standin import StandIn

from prototype_models import FAKES, make_model
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Analysis, ClipInfo, Floats, ModelResult, PatchReport, Upload
from sonotype.models.card import Card
from sonotype.models.registry import Registry
from sonotype.plane.catalog.generations import Generations
from sonotype.plane.catalog.jobs import ClosedDesk
from sonotype.plane.catalog.seeds import Seeds
from sonotype.plane.catalog.service import CatalogService
from sonotype.plane.catalog.space import Space, choose_labellers, choose_space, spaces
from sonotype.plane.catalog.tracks import Tracks
from sonotype.plane.catalog.upkeep import Upkeep
from sonotype.plane.deployment import Deployment, choose_models
from sonotype.plane.heads import Head
from sonotype.plane.prototypes import Prototypes
from sonotype.plane.query import AnalyzeQuery

DIM = 16
CURRENT = "fake@vector"


@contextmanager
def refused(code: Code, *words: str) -> Iterator[None]:
    """The block must raise that code, with a sentence that holds the words."""
    with pytest.raises(SonotypeError) as caught:
        yield
    assert caught.value.code is code, caught.value.detail
    for word in words:
        assert word in caught.value.detail


def deployment_in(folder: Path) -> Deployment:
    """The fake network and two prototype models on it."""
    models = folder / "models"
    if not models.is_dir():
        models.mkdir(parents=True)
        make_model(models, name="plain")
        make_model(models, name="loud", labels=("loud", "quiet"), decoder=False)
    settings = Settings(model_path=[FAKES, models], models=["fake", "plain", "loud"], weights_dir=folder / "weights")
    return choose_models(Registry(settings.model_path, settings.weights_dir), settings)


def upload(seed: int) -> Upload:
    """Some bytes; what is heard in them depends on the seed."""
    return Upload.of(f"audio {seed}".encode())


def heard(data: bytes, dim: int = DIM) -> Floats:
    """The embedding that `Kit.analyze` finds in some bytes."""
    seed = int.from_bytes(hashlib.sha256(data).digest()[:4], "little")
    return np.random.default_rng(seed).normal(size=dim).astype(np.float32)


@dataclass
class Kit:
    """A catalogue plane with its parts within reach."""

    deployment: Deployment
    engine: StandIn = field(default_factory=StandIn)
    asked: list[AnalyzeQuery] = field(default_factory=list)
    silent: bool = False
    typical: Floats | None = None  # the embedding `vector` of whatever is heard, if set

    async def open(self, embedding: str = CURRENT, labellers: tuple[str, ...] = ()) -> CatalogService:
        """The use cases, as after a start with these settings."""
        served = tuple(spaces(self.deployment))
        self.now = 0.0
        space = choose_space(self.deployment, embedding)
        self.generations = Generations(self.engine, space, served, clock=lambda: self.now)
        await self.generations.open()
        names = choose_labellers(self.deployment, labellers)
        heads = list(self.deployment.heads.values())
        self.tracks = Tracks(self.engine, self.generations, names, heads, self.analyze)
        seeds = Seeds(self.engine, self.generations, self.tracks, Prototypes(heads))
        upkeep = Upkeep(self.engine, self.generations, self.tracks)
        return CatalogService(self.engine, self.generations, seeds, upkeep, ClosedDesk())

    def space(self, address: str) -> Space:
        """A served embedding."""
        return next(space for space in spaces(self.deployment) if space.address == address)

    async def analyze(self, sent: Upload, query: AnalyzeQuery) -> Analysis:
        """An analysis that hears what the bytes say."""
        self.asked.append(query)
        found = [self.deployment.served(name.partition("@")[0]) for name in query.models]
        unique = {id(model): model for model in found}.values()
        results = tuple(self._result(sent, model) for model in unique if model is not None)
        return Analysis(ClipInfo(sent.sha256, "wav", 16000, 1, 12.5), results)

    def _result(self, sent: Upload, model: Card | Head) -> ModelResult:
        network = model.backbone if isinstance(model, Head) else model
        clip = {spec.name: heard(sent.data, spec.dim) * (not self.silent) for spec in network.embeddings}
        if self.typical is not None:
            clip["vector"] = self.typical
        tags = np.linspace(0.9, 0.01, len(network.labels), dtype=np.float32)
        result = ModelResult(
            model=network.address,
            model_sha256=network.weights_sha256,
            frontend="plain",
            precision="fp32",
            labels=network.labels,
            tags=tags,
            taggram=tags[None],
            starts_s=np.zeros(1, np.float32),
            embeddings=clip,
            patch_embeddings={name: vector[None] for name, vector in clip.items()},
            patches=PatchReport(1, 1.0, 1.0, "drop", "repeat", 0.0, 0.0),
        )
        return model.explain(result) if isinstance(model, Head) else result
