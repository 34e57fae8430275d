"""The fixed sample of a generation, and what the vectors of tracks are to it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonotype.catalog.milvus.client import Client
from sonotype.catalog.milvus.generations import Known
from sonotype.catalog.milvus.meta import Kind, Meta, key_of
from sonotype.catalog.milvus.scan import drawn
from sonotype.core.types import Floats

SIZE = 512
ENOUGH = 256
"""Tracks from which a sample is drawn."""
_LOOK_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """m unit vectors of D dimensions that stand for the whole generation.

    Attributes:
        vectors: shape [m, D].
        mean: of the vectors, shape [D].
        spread: their covariance, shape [D, D].
    """

    vectors: Floats
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, vectors: Floats) -> Sample:
        """Prepare a sample [m, D]; m may be 0."""
        wide = vectors.astype(np.float64)
        mean = wide.mean(axis=0) if len(wide) else np.zeros(vectors.shape[1])
        centred = wide - mean
        return cls(vectors, mean, centred.T @ centred / max(1, len(wide)))

    def statistics(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the cosines of each vector [n, D] to the sample.

        They follow from two moments of the sample: the mean of x·s over s is x·mean(s), its variance x' cov(s) x. So
        nothing has to be kept beside a vector, and nothing to be kept in step when the sample is drawn anew.
        """
        wide = vectors.astype(np.float64)
        variance = np.einsum("nd,nd->n", wide @ self.spread, wide)
        return (wide @ self.mean).astype(np.float32), np.sqrt(np.maximum(variance, 0)).astype(np.float32)


class Samples:
    """The samples of the generations: drawn once by whichever gateway first sees enough tracks, then read by all."""

    def __init__(self, client: Client, meta: Meta) -> None:
        self._client = client
        self._meta = meta
        self._samples: dict[str, Sample] = {}
        self._looked: dict[str, tuple[float, int]] = {}
        self._lock = asyncio.Lock()
        self.written = 0
        """Vectors that this gateway has stored."""

    async def of(self, generation: Known) -> Sample:
        """The sample of a generation, empty while it has too few tracks."""
        if (sample := self._samples.get(generation.collection)) is not None:
            return sample
        async with self._lock:
            if self._worth_a_look(generation):
                await self._look(generation)
        return self._samples.get(generation.collection) or Sample.of(np.zeros((0, generation.dim), np.float32))

    def forget(self, generation: Known) -> None:
        """It was dropped."""
        self._samples.pop(generation.collection, None)
        self._looked.pop(generation.collection, None)

    def _worth_a_look(self, generation: Known) -> bool:
        """Some seconds after the last one, or when this gateway's own vectors may have made it enough."""
        at, written = self._looked.get(generation.collection, (-_LOOK_AGAIN_S, -ENOUGH))
        late = time.monotonic() - at > _LOOK_AGAIN_S
        return generation.collection not in self._samples and (late or self.written - written >= ENOUGH // 4)

    async def _look(self, generation: Known) -> None:
        self._looked[generation.collection] = (time.monotonic(), self.written)
        key = key_of(Kind.SAMPLE, generation.name, str(generation.begun))
        stored = await self._meta.get_large(key)
        if stored is None:
            if await self._client.count(generation.collection) < ENOUGH:
                return
            rows = await drawn(self._client, generation.collection, "", ["vector"], count=SIZE)
            stored = np.array([row["vector"] for row in rows], "<f4").tobytes()
            await self._meta.put_large(key, Kind.SAMPLE, stored)
        vectors = np.frombuffer(stored, "<f4").reshape(-1, generation.dim).astype(np.float32)
        self._samples[generation.collection] = Sample.of(vectors)
