"""Hear a sound twice: with the model that is explained, and with the judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sonotype.core.types import Floats
from sonotype.evaluation.recordings import at_rate
from sonotype.models.heads.prototypes import PrototypeHead

Doubles = NDArray[np.float64]


class Embeds(Protocol):
    """A backbone: patches of mono samples in, embeddings [n, dim] out (`Embedder` is one)."""

    @property
    def sample_rate_hz(self) -> int: ...  # noqa: D102
    def patches(self, samples: Floats) -> Floats: ...  # noqa: D102


class Judges(Protocol):
    """A classifier of sounds (`Judge` is one): probabilities of labels, shape [len(labels)]."""

    def probabilities(self, samples: Floats, rate_hz: int, labels: Sequence[str]) -> Floats: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one sound.

    Attributes:
        z: its embedding, mean over patches, in the normalised space of the prototypes, shape [D].
        classifier: probabilities that the prototype model gives the classes, shape [C].
        judge: probabilities that the judge gives them, shape [C].
    """

    z: Doubles
    classifier: Floats
    judge: Floats


class Listener:
    """The model and the judge, side by side.

    Args:
        head: the prototypes.
        embedder: their backbone.
        judge: the independent classifier.
    """

    def __init__(self, head: PrototypeHead, embedder: Embeds, judge: Judges) -> None:
        self.head = head
        self._embedder = embedder
        self._judge = judge

    def embed(self, samples: Floats, rate_hz: int) -> Floats:
        """Embeddings of the patches of a sound in the backbone's space, shape [n, D]."""
        return self._embedder.patches(at_rate(samples, rate_hz, self._embedder.sample_rate_hz))

    def place(self, samples: Floats, rate_hz: int) -> Doubles:
        """The embedding of a sound, mean over patches, in the normalised space of the prototypes, shape [D]."""
        return np.asarray(self.head.normalise(self.embed(samples, rate_hz)).mean(axis=0))

    def hear(self, samples: Floats, rate_hz: int) -> Heard:
        """Embed, classify and judge one sound.

        Raises:
            SonotypeError: what embedder and judge say to unusable audio.
        """
        patches = self.embed(samples, rate_hz)
        logits = self.head.logits(patches).mean(axis=0)
        return Heard(
            z=self.head.normalise(patches).mean(axis=0),
            classifier=self.head.probabilities(logits),
            judge=self._judge.probabilities(samples, rate_hz, self.head.labels),
        )


def cosine(a: Doubles, b: Doubles) -> float:
    """Cosine of two vectors; 0 where one of them is zero."""
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length > 0 else 0.0


def cosines(a: Doubles, b: Doubles) -> Doubles:
    """Cosines [N, M] between the rows of [N, D] and of [M, D]; 0 for rows that are zero."""
    return np.asarray(_units(a) @ _units(b).T)


def _units(rows: Doubles) -> Doubles:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows, dtype=np.float64), where=lengths > 0))
