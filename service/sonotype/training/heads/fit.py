"""The training of one head: AdamW on patches, ended by the loss of the validation files."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.heads.transfer import Dense
from sonotype.training.heads.corpus import Corpus, Numbers, Part
from sonotype.training.heads.losses import file_loss, file_weights, predictions
from sonotype.training.heads.options import HeadOptions

Tick = Callable[[int, int], None]
"""Called with the epochs done and the epochs at most."""

_MOST_POSITIVE_WEIGHT = 20.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained head on standardised embeddings.

    Attributes:
        layers: all but the last are rectified.
        epoch: the one that was kept.
        loss: of the validation files there.
    """

    layers: tuple[Dense, ...]
    epoch: int
    loss: float

    def outputs(self, points: Floats) -> Floats:
        """Outputs [N, C] of standardised embeddings [N, D]."""
        for layer in self.layers[:-1]:
            points = np.maximum(points @ layer.weight.T + layer.bias, np.float32(0))
        return np.asarray(points @ self.layers[-1].weight.T + self.layers[-1].bias)


def fit(corpus: Corpus, options: HeadOptions, seed: int, tick: Tick = lambda done, total: None) -> Fitted:
    """Train one head; the same seed gives the same head on the same machine.

    Args:
        corpus: the data.
        options: see there.
        seed: of the first weights, the order of the patches and the dropout.
        tick: told after each epoch.

    Raises:
        SonotypeError: `invalid_request` where the numbers of every epoch have grown beyond all bounds.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return _fit(corpus, options, tick)


def _fit(corpus: Corpus, options: HeadOptions, tick: Tick) -> Fitted:
    scale = _target_scale(corpus)
    network = _network(corpus, options)
    points = torch.as_tensor(corpus.train.points)
    targets = torch.as_tensor(scale.apply(corpus.train.targets)[corpus.train.file], dtype=torch.float32)
    weights = torch.as_tensor(_patch_weights(corpus, options), dtype=torch.float32)
    loss = _loss(corpus, options)
    optimiser = torch.optim.AdamW(network.parameters(), options.learning_rate, weight_decay=options.weight_decay)
    best: Fitted | None = None
    for epoch in range(1, options.epochs + 1):
        network.train()
        for rows in torch.split(torch.randperm(len(points)), options.batch):
            optimiser.zero_grad()
            step = (loss(network(points[rows]), targets[rows]) * weights[rows]).mean()
            step.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        found = _judged(corpus, network, epoch, scale, options)
        best = found if best is None or found.loss < best.loss or math.isnan(best.loss) else best
        tick(epoch, options.epochs)
        if epoch - best.epoch >= options.patience:
            break
    assert best is not None, "there is at least one epoch"  # noqa: S101
    tick(options.epochs, options.epochs)
    if not math.isfinite(best.loss):
        detail = "The training diverges: lower the learning rate, or bring the values to a smaller scale."
        raise SonotypeError(Code.INVALID_REQUEST, detail)
    return best


def _network(corpus: Corpus, options: HeadOptions) -> nn.Sequential:
    width, n_outputs = corpus.train.points.shape[1], len(corpus.labels)
    first = [nn.Dropout(0.5 * options.dropout)]
    if not options.hidden:
        return nn.Sequential(*first, nn.Linear(width, n_outputs))
    hidden = [nn.Linear(width, options.hidden), nn.ReLU(), nn.Dropout(options.dropout)]
    return nn.Sequential(*first, *hidden, nn.Linear(options.hidden, n_outputs))


def _loss(corpus: Corpus, options: HeadOptions) -> Callable[[Tensor, Tensor], Tensor]:
    """Loss of every patch of a batch, shape [B]."""
    if corpus.task == "multiclass":
        return lambda y, t: functional.cross_entropy(y, t, reduction="none")
    if corpus.task == "regression":
        return lambda y, t: (y - t).square().mean(dim=1)
    share = corpus.train.targets.mean(axis=0)
    factor = np.clip((1 - share) / share, 1.0, _MOST_POSITIVE_WEIGHT) if options.balanced else np.ones_like(share)
    positive = torch.as_tensor(factor, dtype=torch.float32)

    def binary(y: Tensor, t: Tensor) -> Tensor:
        losses = functional.binary_cross_entropy_with_logits(y, t, pos_weight=positive, reduction="none")
        return losses.mean(dim=1)

    return binary


def _patch_weights(corpus: Corpus, options: HeadOptions) -> Numbers:
    """How much every training patch counts, mean 1: files count the same, however long they are."""
    by_file = file_weights(corpus.task, corpus.train, balanced=options.balanced) / corpus.train.n_patches
    weights = by_file[corpus.train.file]
    return np.asarray(weights / weights.mean())


class _Scale(NamedTuple):
    """What values are centred and scaled by while they are learned, shape [C]."""

    centre: Numbers
    spread: Numbers

    def apply(self, values: Numbers) -> Numbers:
        """Values [F, C] in units of their spread."""
        return np.asarray((values - self.centre) / self.spread)


def _target_scale(corpus: Corpus) -> _Scale:
    """Labels are left as they are."""
    targets = corpus.train.targets
    if corpus.task != "regression":
        return _Scale(np.zeros(targets.shape[1]), np.ones(targets.shape[1]))
    return _Scale(targets.mean(axis=0), targets.std(axis=0))


def _judged(corpus: Corpus, network: nn.Sequential, epoch: int, scale: _Scale, options: HeadOptions) -> Fitted:
    """The head as it is now, with the loss of the validation files in units of the targets' spread."""
    layers = [_dense(module) for module in network if isinstance(module, nn.Linear)]
    last = layers[-1]
    weight = np.asarray(last.weight * scale.spread[:, None], dtype=np.float32)
    layers[-1] = Dense(weight, np.asarray(last.bias * scale.spread + scale.centre, dtype=np.float32))
    head, part = Fitted(tuple(layers), epoch, 0.0), corpus.validation
    found = predictions(corpus.task, part, head.outputs(part.points))
    scaled = Part(part.points, part.file, scale.apply(part.targets))
    weights = file_weights(corpus.task, part, balanced=options.balanced)
    return Fitted(head.layers, epoch, file_loss(corpus.task, scaled, scale.apply(found), weights))


def _dense(module: nn.Linear) -> Dense:
    def values(tensor: Tensor) -> NDArray[np.float32]:
        return np.asarray(copy.deepcopy(tensor.detach().numpy()), dtype=np.float32)

    return Dense(values(module.weight), values(module.bias))
