"""The prototype classifier (PECMAE) in plain NumPy: similarities, logits and the exact ledger of evidence.

Alonso-Jiménez et al. 2024, "Leveraging pre-trained autoencoders for interpretable prototype learning of music
audio" (arXiv:2402.09318), section 2: S_j(x) = exp(-gamma_j ||z - p_j||²) with z the normalised embedding, and
logits S Wᵀ + b. The paper has gamma = 1 / D for all. What training writes, this file reads; it must stay free of
torch, because the gateway runs it.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Reasons
from sonotype.models.card import PrototypeCard
from sonotype.models.heads.arrays import HeadArrays, read_arrays
from sonotype.models.heads.names import prototype_ids

Doubles = NDArray[np.float64]


class PrototypeHead:
    """A prototype classifier on the embeddings of a backbone; all arithmetic is in float64.

    Args:
        card: the model's card.
        arrays: its numbers.

    Attributes:
        card: the model's card.
        arrays: its numbers, float32.
        ids: id of each prototype.
        labels: the classes.
    """

    def __init__(self, card: PrototypeCard, arrays: HeadArrays) -> None:
        self.card = card
        self.arrays = arrays
        self.labels = card.labels
        self.ids = prototype_ids(card.name, card.labels, arrays.owners.tolist())
        self._prototypes = arrays.prototypes.astype(np.float64)
        self._mean, self._scale = arrays.mean.astype(np.float64), arrays.scale.astype(np.float64)
        self._gamma = arrays.gamma.astype(np.float64)
        self._weight, self._bias = arrays.weight.astype(np.float64), arrays.bias.astype(np.float64)

    @classmethod
    def load(cls, folder: Path, card: PrototypeCard) -> PrototypeHead:
        """Load the head of a model folder. Raises `weights_missing` or `weights_corrupt`, see `read_arrays`."""
        return cls(card, read_arrays(folder, card))

    @property
    def dim(self) -> int:
        """Length of the embedding."""
        return int(self._prototypes.shape[1])

    @property
    def owners(self) -> NDArray[np.int64]:
        """Class of each prototype, shape [M]."""
        return self.arrays.owners

    @property
    def medoids(self) -> Floats:
        """Embeddings of the nearest real training segments, in the backbone's space, shape [M, D]."""
        return self.arrays.medoids

    @cached_property
    def _squares(self) -> Doubles:
        return np.asarray((self._prototypes**2).sum(axis=1))

    def raw_prototypes(self) -> Floats:
        """The prototypes in the backbone's own space, as a decoder wants them, shape [M, D]."""
        return _single(self.restore(self._prototypes))

    def normalise(self, embeddings: Floats) -> Doubles:
        """Map embeddings [N, D] of the backbone to the space of the prototypes.

        Raises:
            SonotypeError: `invalid_request` for another shape, no rows, or numbers that are not finite.
        """
        x = np.asarray(embeddings, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.dim or not len(x):
            raise SonotypeError(
                Code.INVALID_REQUEST, f"{self.card.name} takes embeddings of {self.dim} numbers, not {list(x.shape)}."
            )
        if not np.isfinite(x).all():
            raise SonotypeError(Code.INVALID_REQUEST, "The embedding holds numbers that are not finite.")
        return np.asarray((x - self._mean) / self._scale)

    def restore(self, z: Doubles) -> Doubles:
        """Undo `normalise`: points [N, D] of the prototypes' space in the backbone's."""
        return np.asarray(z * self._scale + self._mean)

    def distances(self, embeddings: Floats) -> Doubles:
        """Squared distances in the normalised space, shape [N, M], from embeddings [N, D]; raises as `normalise`."""
        return self._distances(self.normalise(embeddings))

    def similarities(self, embeddings: Floats) -> Doubles:
        """Similarities in [0, 1], shape [N, M], from embeddings [N, D]; raises as `normalise`."""
        return self._similarities(self.normalise(embeddings))

    def logits(self, embeddings: Floats) -> Doubles:
        """Logits per patch, shape [N, C], from embeddings [N, D]; those of a clip are their mean over patches."""
        return self.logits_at(self.normalise(embeddings))

    def logits_at(self, z: Doubles) -> Doubles:
        """Logits of points [N, D] of the normalised space, shape [N, C]."""
        return np.asarray(self._similarities(z) @ self._weight.T + self._bias)

    def logit_gradients(self, z: Doubles) -> Doubles:
        """Gradient of every logit at one point [D] of the normalised space, shape [C, D]."""
        pull = -2.0 * (self._gamma * self._similarities(z[None])[0])[:, None] * (z - self._prototypes)
        return np.asarray(self._weight @ pull)

    def _distances(self, z: Doubles) -> Doubles:
        squared = (z**2).sum(axis=1)[:, None] - 2.0 * z @ self._prototypes.T + self._squares
        return np.asarray(np.maximum(squared, 0.0))

    def _similarities(self, z: Doubles) -> Doubles:
        return np.asarray(np.exp(-self._gamma * self._distances(z)))

    def probabilities(self, logits: NDArray[np.floating]) -> Floats:
        """Probabilities of logits [..., C]: softmax, or for multilabel models sigmoid, of logits / temperature."""
        scaled = np.asarray(logits, dtype=np.float64) / self.card.temperature
        if self.card.multilabel:
            return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scaled)), dtype=np.float32)
        powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)

    def explain(self, patch_embeddings: Floats, weights: Doubles | None = None) -> Reasons:
        """The ledger of one clip.

        evidence[c, j] = W[c, j] (S_j - mean training S_j), averaged over patches: the Shapley values of the
        prototypes for logit c, as the logits are additive in the similarities.

        Args:
            patch_embeddings: of all patches of the clip, shape [N, D].
            weights: how much each patch counts, shape [N]; None counts all the same.

        Raises:
            SonotypeError: as `normalise`.
        """
        similarity = self.similarities(patch_embeddings)
        mean, expected = np.average(similarity, axis=0, weights=weights), self.arrays.baseline.astype(np.float64)
        threshold = float(self.arrays.ood_threshold[0])
        return Reasons(
            prototypes=self.ids,
            owners=self.owners,
            logits=_single(self._weight @ mean + self._bias),
            baseline=_single(self._weight @ expected + self._bias),
            evidence=_single(self._weight * (mean - expected)),
            similarity=_single(mean),
            patch_similarity=_single(similarity),
            patch_logits=_single(similarity @ self._weight.T + self._bias),
            weight=self.arrays.weight,
            train_similarity=self.arrays.baseline,
            out_of_distribution=bool(np.median(similarity.max(axis=1)) < threshold),
            ood_threshold=threshold,
        )

    def nearest(self, reasons: Reasons, count: int = 5) -> list[int]:
        """The prototypes most similar to an explained clip, as indices into `ids`, best first."""
        return [int(index) for index in np.argsort(-reasons.similarity, kind="stable")[:count]]


def _single(values: Doubles) -> Floats:
    return np.asarray(values, dtype=np.float32)
