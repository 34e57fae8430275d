"""Embed audio offline, exactly as the service does it: the same cut, front end, network and pooling."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models import runtime
from sonotype.models.card import Card
from sonotype.models.card_parts import EmbeddingSpec
from sonotype.models.patches import Patcher
from sonotype.models.pooling import pooled
from sonotype.models.runtime.base import Precision


class Embedder:
    """One embedding of one backbone.

    Args:
        card: the backbone's card.
        weights: its converted weights; None only for families without any.
        embedding: name of the embedding.
        precision: of the network. `auto` is what the service runs; `fp32` does not depend on the machine.
        threads: CPU threads of one call.

    Raises:
        SonotypeError: `invalid_request` for an embedding that the card does not offer; see `runtime.load`.
    """

    def __init__(
        self, card: Card, weights: Path | None, embedding: str, *, precision: Precision = "auto", threads: int = 1
    ) -> None:
        self.card = card
        self.spec = _spec(card, embedding)
        self._runtime = runtime.load(card, weights, "cpu", precision, threads)
        self._frontend = card.default_frontend

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the samples that go in."""
        return self.card.frontends[self._frontend].sample_rate_hz

    @property
    def precision(self) -> str:
        """Arithmetic of the network, `fp32` or `bf16`."""
        return self._runtime.precision

    def patches(self, samples: Floats) -> Floats:
        """Embed every patch of a clip.

        Args:
            samples: mono at `sample_rate_hz`, shape [n].

        Returns:
            Shape [n_patches, dim].

        Raises:
            SonotypeError: `audio_too_short`, see `Patcher`; `item_failed` where the network gives no finite numbers.
        """
        return self._run(samples)[0]

    def located(self, samples: Floats) -> tuple[Floats, Floats]:
        """As `patches`, and where each patch starts, in seconds, shape [n_patches]."""
        rows, patcher = self._run(samples)
        return rows, patcher.starts_s()

    def clip(self, samples: Floats) -> Floats:
        """Embed a clip: its patches pooled as the card says, shape [dim]. Raises as `patches`."""
        rows, patcher = self._run(samples)
        return pooled(rows, patcher.report(), self.spec.pool)

    def _run(self, samples: Floats) -> tuple[Floats, Patcher]:
        patcher = Patcher(self.card.frontends[self._frontend], self.card.patch)
        windows = [*patcher.feed(samples), *patcher.finish()]
        valid = np.array([window.valid_frames for window in windows], dtype=np.int64)
        stacked = np.stack([window.samples for window in windows])
        rows = self._runtime.run(stacked, valid, windows[-1].fill, self._frontend).arrays[self.spec.name]
        if not np.isfinite(rows).all():
            raise SonotypeError(Code.ITEM_FAILED, f"{self.card.address} gives no finite numbers for this audio.")
        return rows, patcher


def _spec(card: Card, embedding: str) -> EmbeddingSpec:
    for spec in card.embeddings:
        if spec.name == embedding:
            return spec
    raise SonotypeError(Code.INVALID_REQUEST, f"{card.name} has no embedding named {embedding[:80]!r}.")
