"""The three terms of the training."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sonotype.training.prototypes.network import Judgement, PrototypeNetwork
from sonotype.training.prototypes.options import PrototypeOptions


def classification(logits: Tensor, truth: Tensor, temperature: float, *, multilabel: bool) -> Tensor:
    """Cross-entropy of softmax (one label) or sigmoid (several) at a temperature.

    The paper says binary, its code has softmax with a temperature of 0.1; ours follows the code.

    Args:
        logits: shape [B, C].
        truth: bool, shape [B, C].
        temperature: divides the logits.
        multilabel: which of the two.
    """
    if multilabel:
        return functional.binary_cross_entropy_with_logits(logits / temperature, truth.float())
    return functional.cross_entropy(logits / temperature, truth.float().argmax(1))


def closeness(distances: Tensor, truth: Tensor, owners: Tensor) -> Tensor:
    """Mean over prototypes of the distance to the nearest segment of their class in the batch (the paper's L_p).

    Prototypes whose class is not in the batch are left out.

    Args:
        distances: shape [B, M].
        truth: bool, shape [B, C].
        owners: class of each prototype, shape [M].
    """
    own = truth[:, owners]
    nearest = distances.masked_fill(~own, torch.inf).amin(0)
    present = own.any(0)
    return nearest[present].mean() if bool(present.any()) else distances.sum() * 0.0


def crowding(placed: Tensor, pairs: Tensor, unit: float) -> Tensor:
    """Mean of exp(-d / 2) over pairs of prototypes of one class, d their squared distance in units.

    Not in the paper: its L_p pulls all prototypes of a class to one segment, and nothing keeps them apart.

    Args:
        placed: prototypes, shape [M, D].
        pairs: indices of prototypes of one class, shape [P, 2].
        unit: of squared distances.
    """
    if not len(pairs):
        return placed.sum() * 0.0
    squared = (placed[pairs[:, 0]] - placed[pairs[:, 1]]).square().sum(1)
    return torch.exp(-0.5 * unit * squared).mean()


def total(
    network: PrototypeNetwork, judged: Judgement, truth: Tensor, options: PrototypeOptions, *, multilabel: bool
) -> Tensor:
    """The loss: lambda L_c + (1 - lambda) L_p + repulsion."""
    share = options.classification_share
    loss = share * classification(judged.logits, truth, options.temperature, multilabel=multilabel)
    if share < 1.0:
        loss = loss + (1.0 - share) * closeness(judged.distances, truth, network.owners)
    if options.repulsion:
        loss = loss + options.repulsion * crowding(network.placed(), network.pairs, network.unit)
    return loss
