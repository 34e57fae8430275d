"""Train one prototype network: class-balanced batches, Adam with one cycle, the best step on validation."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.prototypes import losses, push
from sonotype.training.prototypes.corpus import Corpus
from sonotype.training.prototypes.init import initial_prototypes, owners_of
from sonotype.training.prototypes.metrics import metric_for
from sonotype.training.prototypes.network import PrototypeNetwork
from sonotype.training.prototypes.options import PrototypeOptions

Progress = Callable[[int, int], None]
"""Called with the steps done and the steps in total."""

# after a push only the kernels and the linear layer learn, with a rate so many times as large
_RATE_AFTER_PUSH = 10.0
# what a push may cost on validation: half a point
PUSH_COST = 0.005


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained network.

    Attributes:
        network: at its best step.
        validation: its score on the validation files.
        step: the best step.
        pushed: whether its prototypes are real segments.
    """

    network: PrototypeNetwork
    validation: float
    step: int
    pushed: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """What a network is trained on.

    Attributes:
        train: learned from; every class must occur.
        validation: decides which step is kept.
        seed: of k-means, batches and layers.
        multilabel: whether files have several labels.
        progress: told now and then.
    """

    train: Corpus
    validation: Corpus
    seed: int = 0
    multilabel: bool = False
    progress: Progress = lambda done, total: None


def fit(task: Task, options: PrototypeOptions) -> Fitted:
    """Train from k-means; with `options.push`, put the prototypes onto real segments where that is cheap.

    Raises:
        SonotypeError: `invalid_request` where the loss stops being finite.
    """
    torch.manual_seed(task.seed)
    fitted = _optimise(_begin(task.train, options, task.seed), task, options)
    if not options.push:
        return fitted
    fixed = {"classification_share": 1.0, "repulsion": 0.0, "peak_rate": _RATE_AFTER_PUSH * options.peak_rate}
    moved = push.pushed(fitted.network, task.train, multilabel=task.multilabel)
    again = _optimise(moved, task, options.model_copy(update=fixed))
    if again.validation < fitted.validation - PUSH_COST:
        return fitted
    return replace(again, pushed=True)


def scores(network: PrototypeNetwork, corpus: Corpus) -> NDArray[np.float64]:
    """Logits of every file: the mean over its segments, shape [F, C]."""
    with torch.no_grad():
        return corpus.pool(network(torch.as_tensor(corpus.points)).logits.numpy())


def _begin(train: Corpus, options: PrototypeOptions, seed: int) -> PrototypeNetwork:
    first = initial_prototypes(train, options, seed)
    owners = torch.as_tensor(owners_of(train.truth.shape[1], options.per_class))
    if options.distance == "mean":
        unit = 1.0 / first.shape[1]
    else:
        points = torch.as_tensor(train.points)
        other = ~torch.as_tensor(train.segment_truth)[:, owners]
        nearest = (torch.cdist(points, torch.as_tensor(first)) ** 2).masked_fill(other, torch.inf).amin(1)
        unit = 1.0 / max(float(nearest[nearest.isfinite()].median()), 1e-6)
    return PrototypeNetwork(first, owners, train.truth.shape[1], unit, options)


def _optimise(network: PrototypeNetwork, task: Task, options: PrototypeOptions) -> Fitted:
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    adam = torch.optim.Adam(learned, lr=options.peak_rate, weight_decay=options.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, options.peak_rate, total_steps=options.steps + 1)
    points, truth = torch.as_tensor(task.train.points), torch.as_tensor(task.train.segment_truth)
    draw = _Balanced(task.train.segment_truth, task.seed)
    best = _Best(task, options)
    best.look(network, 0)
    for step in range(1, options.steps + 1):
        rows = draw.batch(options.batch)
        loss = losses.total(network, network(points[rows]), truth[rows], options, multilabel=task.multilabel)
        if not bool(loss.isfinite()):
            raise SonotypeError(Code.INVALID_REQUEST, f"The training diverged at step {step}; try a smaller rate.")
        adam.zero_grad()
        torch.autograd.backward(loss)
        adam.step()
        schedule.step()
        network.keep_own_weights()
        if step % options.validate_every == 0 or step == options.steps:
            best.look(network, step)
            task.progress(step, options.steps)
    network.load_state_dict(best.state)
    return Fitted(network.eval(), best.score, best.step)


class _Best:
    """The state with the best score on validation; of equal scores, that with the smaller loss."""

    def __init__(self, task: Task, options: PrototypeOptions) -> None:
        self.state: dict[str, Tensor] = {}
        self.step = 0
        self._key = (-1.0, 0.0)
        self._task, self._options = task, options

    @property
    def score(self) -> float:
        return self._key[0]

    def look(self, network: PrototypeNetwork, step: int) -> None:
        truth, multilabel = self._task.validation.truth, self._task.multilabel
        logits = scores(network, self._task.validation)
        loss = losses.classification(
            torch.as_tensor(logits), torch.as_tensor(truth), self._options.temperature, multilabel=multilabel
        )
        key = (metric_for(multilabel=multilabel)[1](truth, logits), -float(loss))
        if key > self._key:
            self._key, self.step, self.state = key, step, copy.deepcopy(network.state_dict())


class _Balanced:
    """Draws segments: first a class, then one of its segments, both uniformly."""

    def __init__(self, truth: NDArray[np.bool_], seed: int) -> None:
        self._random = np.random.default_rng(seed)
        members = [np.flatnonzero(column) for column in truth.T]
        self._members = np.concatenate(members)
        self._sizes = np.array([len(rows) for rows in members])
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)[:-1]])

    def batch(self, size: int) -> Tensor:
        classes = self._random.integers(0, len(self._sizes), size)
        places = self._starts[classes] + self._random.integers(0, self._sizes[classes])
        return torch.as_tensor(self._members[places])
