"""From a trained network to what a model folder holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sonotype.evaluation.provenance import effective_rank
from sonotype.models.heads.arrays import HeadArrays
from sonotype.training.prototypes.corpus import Corpus, Normaliser
from sonotype.training.prototypes.network import PrototypeNetwork
from sonotype.training.prototypes.push import nearest_own

# share of the training segments that count as out of distribution
OOD_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Health:
    """What can go wrong with prototypes although the accuracy is good.

    Attributes:
        purity: mean share of the five nearest training segments that have the prototype's label.
        effective_rank: of the similarities of the training segments, at most M.
        distinct_medoids: different real segments among the nearest ones of all prototypes, at most M.
        norm_ratio: mean norm of a prototype over the mean norm of a training segment, in the normalised space; a
            learned prototype is an average and shorter than any real segment.
        nearest_distance: median over prototypes of the distance to the nearest real segment, over the median
            distance from a segment to its nearest prototype.
        ood_validation: share of the validation segments below the threshold.
        ood_test: the same of the test segments; None without any.
    """

    purity: float
    effective_rank: float
    distinct_medoids: int
    norm_ratio: float
    nearest_distance: float
    ood_validation: float
    ood_test: float | None


def head_arrays(
    network: PrototypeNetwork, train: Corpus, normaliser: Normaliser
) -> tuple[HeadArrays, NDArray[np.int64]]:
    """The arrays of the model folder, and the rows of the nearest real segments in `train`, shape [M].

    The baseline is the mean similarity of the training segments, every class counting the same.
    """
    similarities = _similarities(network, train)
    truth = train.segment_truth
    by_class = np.stack([similarities[truth[:, c]].mean(axis=0) for c in range(truth.shape[1])])
    rows = nearest_own(network, train)
    medoids = train.points[rows] * normaliser.scale + normaliser.mean
    with torch.no_grad():
        arrays = HeadArrays(
            prototypes=network.placed().numpy().copy(),
            owners=network.owners.numpy().copy(),
            mean=normaliser.mean,
            scale=normaliser.scale,
            gamma=network.gamma().numpy().copy(),
            weight=network.linear.weight.detach().numpy().copy(),
            bias=network.linear.bias.detach().numpy().copy(),
            baseline=by_class.mean(axis=0).astype(np.float32),
            ood_threshold=np.quantile(similarities.max(axis=1), [OOD_SHARE]).astype(np.float32),
            medoids=medoids.astype(np.float32),
        )
    return arrays, rows


def health(
    network: PrototypeNetwork, train: Corpus, validation: Corpus, test: Corpus | None, threshold: float
) -> Health:
    """Measure a trained network; `threshold` is that of `head_arrays`."""
    with torch.no_grad():
        distances = network(torch.as_tensor(train.points)).distances.numpy()
        placed = network.placed().numpy()
    owners = network.owners.numpy()
    near = np.argsort(distances, axis=0)[:5]
    own = train.segment_truth[near, owners[None]]
    similarities = _similarities(network, train)
    return Health(
        purity=float(own.mean()),
        effective_rank=effective_rank(similarities),
        distinct_medoids=len(set(distances.argmin(axis=0).tolist())),
        norm_ratio=float(np.linalg.norm(placed, axis=1).mean() / np.linalg.norm(train.points, axis=1).mean()),
        nearest_distance=float(np.sqrt(np.median(distances.min(axis=0)) / np.median(distances.min(axis=1)))),
        ood_validation=_odd(network, validation, threshold),
        ood_test=None if test is None else _odd(network, test, threshold),
    )


def _odd(network: PrototypeNetwork, corpus: Corpus, threshold: float) -> float:
    return float((_similarities(network, corpus).max(axis=1) < threshold).mean())


def _similarities(network: PrototypeNetwork, corpus: Corpus) -> NDArray[np.float64]:
    """Similarities [N, M] of a corpus's segments."""
    with torch.no_grad():
        distances = network(torch.as_tensor(corpus.points)).distances
        return np.asarray(torch.exp(-network.log_gamma.exp() * distances).numpy(), dtype=np.float64)
