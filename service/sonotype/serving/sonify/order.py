"""What the sonification process is asked to do, on both sides of its socket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sonotype.core.types import Floats
from sonotype.models.card import PrototypeCard


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """Segments to generate, one after the other.

    Attributes:
        card: of the prototype model whose decoder is used.
        folder: of the model.
        embeddings: one row per segment, in the backbone's space, shape [n, dim]; no rows only load the decoder.
        seed: decides the noise.
        steps: of the sampler; None takes the card's.
        guidance: strength of the condition; None takes the card's.
    """

    card: PrototypeCard
    folder: Path
    embeddings: Floats
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None

    @property
    def n_samples(self) -> int:
        """Samples of all segments together."""
        return len(self.embeddings) * (self.card.decoder.segment_samples if self.card.decoder else 0)

    def message(self) -> dict[str, Any]:
        """The order as JSON."""
        return {
            "card": self.card.model_dump(mode="json"),
            "folder": str(self.folder),
            "embeddings": self.embeddings.tolist(),
            "seed": self.seed,
            "steps": self.steps,
            "guidance": self.guidance,
        }

    @classmethod
    def read(cls, message: dict[str, Any]) -> Order:
        """Undo `message`."""
        card = PrototypeCard.model_validate(message["card"])
        embeddings = np.asarray(message["embeddings"], dtype=np.float32)
        how = (message["seed"], message["steps"], message["guidance"])
        return cls(card, Path(message["folder"]), embeddings, *how)
