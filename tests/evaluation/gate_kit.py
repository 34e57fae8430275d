"""A backbone, a decoder and a judge made of arithmetic: audio that carries an embedding in its first samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sonotype.core.types import Floats
from sonotype.models.heads.arrays import HeadArrays
from sonotype.models.heads.prototypes import PrototypeHead

LABELS = ("flute", "organ", "piano")
DIM = 16
RATE_HZ = 16000
SEGMENT = 4096
# what is written into samples is divided by this, so that it lies within full scale
LOUD = 16.0


def points(per_class: int = 2, spread: float = 0.3, seed: int = 0) -> Floats:
    """Normalised prototypes, the classes far apart, shape [3 * per_class, DIM]."""
    random = np.random.default_rng(seed)
    centres = 1.5 * np.eye(DIM)[: len(LABELS)] * np.sqrt(DIM)
    rows = np.repeat(centres, per_class, axis=0)
    return np.asarray(rows + random.normal(scale=spread, size=rows.shape), dtype=np.float32)


def head_of(card_of: object, per_class: int = 2) -> PrototypeHead:
    """A head whose prototypes are `points`; `card_of` makes the card of some arrays."""
    rows = points(per_class)
    m = len(rows)
    owners = np.repeat(np.arange(len(LABELS)), per_class).astype(np.int64)
    mean, scale = np.linspace(-1, 1, DIM, dtype=np.float32), np.linspace(0.5, 2, DIM, dtype=np.float32)
    arrays = HeadArrays(
        prototypes=rows,
        owners=owners,
        mean=mean,
        scale=scale,
        gamma=np.full(m, 0.1, dtype=np.float32),
        weight=(owners[None] == np.arange(len(LABELS))[:, None]).astype(np.float32),
        bias=np.zeros(len(LABELS), dtype=np.float32),
        baseline=np.full(m, 0.1, dtype=np.float32),
        ood_threshold=np.array([0.01], dtype=np.float32),
        medoids=np.asarray((rows + 0.1) * scale + mean, dtype=np.float32),
    )
    return PrototypeHead(card_of(arrays), arrays)  # type: ignore[operator]


def written(embedding: Floats) -> Floats:
    """A segment that carries an embedding."""
    samples = np.zeros(SEGMENT, dtype=np.float32)
    samples[: len(embedding)] = embedding / LOUD
    return samples


class Reader:
    """The backbone: one patch, read from the first samples."""

    sample_rate_hz = RATE_HZ

    def patches(self, samples: Floats) -> Floats:
        return samples[None, :DIM] * np.float32(LOUD)


class Decoder:
    """A decoder with a fault.

    Args:
        raw: all embeddings it may be asked for.
        fault: `none`; `shuffled` decodes another class's; `silent` nothing; `noisy` noise that hides the embedding;
            `deaf` the same sound whatever it is asked for.
    """

    sample_rate_hz = RATE_HZ
    segment_samples = SEGMENT
    dim = DIM

    def __init__(self, raw: Floats, fault: str = "none") -> None:
        self.raw, self.fault = raw, fault

    def stream(
        self, embedding: Floats, *, seed: int, steps: int | None = None, guidance: float | None = None
    ) -> Iterator[Floats]:
        random = np.random.default_rng(seed)
        if self.fault == "shuffled":
            nearest = int(((self.raw - embedding) ** 2).sum(axis=1).argmin())
            embedding = self.raw[(nearest + len(self.raw) // 3) % len(self.raw)]
        if self.fault == "deaf":
            embedding = self.raw[0]
        noise = 8.0 if self.fault == "noisy" else 0.02
        samples = written(embedding + random.normal(scale=noise, size=DIM).astype(np.float32))
        yield np.zeros_like(samples) if self.fault == "silent" else samples

    def reconstruct(self, samples: Floats) -> Floats:
        return samples


class NearestJudge:
    """A judge that names the class of the nearest prototype."""

    def __init__(self, head: PrototypeHead) -> None:
        self.head = head

    def probabilities(self, samples: Floats, rate_hz: int, labels: Sequence[str]) -> Floats:
        row = self.head.distances(Reader().patches(samples))[0]
        best = int(self.head.owners[row.argmin()])
        return np.eye(len(labels), dtype=np.float32)[best]
