"""Prototypes as real segments (the "push" of Chen et al. 2019, arXiv:1806.10574, section 2.2)."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray

from sonotype.training.prototypes.corpus import Corpus
from sonotype.training.prototypes.network import PrototypeNetwork


def pushed(network: PrototypeNetwork, train: Corpus, *, multilabel: bool) -> PrototypeNetwork:
    """A copy whose prototypes are real segments and do not move any more."""
    moved = copy.deepcopy(network)
    rows = _representatives(network, train, multilabel)
    with torch.no_grad():
        moved.prototypes.copy_(torch.as_tensor(train.points[rows]))
    moved.adaptor = torch.nn.Identity()
    moved.prototypes.requires_grad_(False)
    return moved


def nearest_own(network: PrototypeNetwork, train: Corpus) -> NDArray[np.int64]:
    """The nearest training segment of its own class for every prototype, shape [M]."""
    return np.asarray(_own_distances(network, train).argmin(axis=0))


def _own_distances(network: PrototypeNetwork, train: Corpus) -> NDArray[np.float64]:
    """Distances [N, M], infinite to the segments of other classes."""
    with torch.no_grad():
        distances = network(torch.as_tensor(train.points)).distances.numpy().astype(np.float64)
    distances[~train.segment_truth[:, network.owners.numpy()]] = np.inf
    return np.asarray(distances)


def _representatives(network: PrototypeNetwork, train: Corpus, multilabel: bool) -> NDArray[np.int64]:
    """A segment for every prototype, shape [M]: near, of its class and judged so, none twice as long as there are some.

    A segment that the network takes for another class would be an odd prototype of its own.
    """
    distances = _own_distances(network, train)
    with torch.no_grad():
        logits = network(torch.as_tensor(train.points)).logits.numpy()
    least = 0.0 if multilabel else logits.max(axis=1, keepdims=True)
    penalty = 1e6 * (logits < least)[:, network.owners.numpy()]
    distances = distances + penalty
    chosen = np.empty(distances.shape[1], dtype=np.int64)
    for j in np.argsort(distances.min(axis=0), kind="stable"):
        chosen[j] = distances[:, j].argmin()
        distances[chosen[j]] += 1e9
    return chosen
