"""What else can be done with the same embeddings: the yardsticks that prototypes are held against.

Every baseline gives scores per segment, which are averaged over a file like the logits of the prototypes. What they
leave open (neighbours, regularisation, the epoch) is chosen on validation.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from sonotype.training.prototypes.corpus import Corpus
from sonotype.training.prototypes.init import initial_prototypes, owners_of
from sonotype.training.prototypes.metrics import metric_for
from sonotype.training.prototypes.options import PrototypeOptions

Scores = NDArray[np.floating]

_NEIGHBOURS = (1, 5, 15, 45)
_INVERSE_REGULARISATION = (0.001, 0.01, 0.1, 1.0)
_MLP_WIDTH, _MLP_EPOCHS, _MLP_PATIENCE = 128, 60, 12
# draws of an epoch at least, so that few segments do not mean few steps
_MLP_LEAST = 20 * 256


class Task(NamedTuple):
    """What a baseline gets.

    Attributes:
        train: learned from.
        validation: chosen by.
        others: further corpora to score, the test files.
        seed: of what is random.
        multilabel: whether files have several labels.
    """

    train: Corpus
    validation: Corpus
    others: tuple[Corpus, ...]
    seed: int
    multilabel: bool

    @property
    def targets(self) -> NDArray[np.integer]:
        """Class indices [N], or for several labels an indicator matrix [N, C]."""
        truth = self.train.segment_truth
        return truth.astype(np.int64) if self.multilabel else truth.argmax(axis=1)

    def pooled(self, judge: Callable[[Scores], Scores]) -> list[Scores]:
        """Scores [F, C] of the validation files and then of the others."""
        return [corpus.pool(judge(corpus.points)) for corpus in (self.validation, *self.others)]

    def best(self, candidates: Iterator[list[Scores]]) -> list[Scores]:
        """The candidate with the best score on validation; of equals, the first."""
        metric = metric_for(multilabel=self.multilabel)[1]
        return max(candidates, key=lambda scores: metric(self.validation.truth, scores[0]))


def nearest_neighbours(task: Task) -> list[Scores]:
    """Neighbours weighted by distance."""
    n = len(task.train.points)
    models = (KNeighborsClassifier(min(k, n), weights="distance") for k in _NEIGHBOURS)
    return task.best(task.pooled(_probabilities(model.fit(task.train.points, task.targets))) for model in models)


def logistic_regression(task: Task) -> list[Scores]:
    """One linear layer, classes weighted equally."""
    return task.best(task.pooled(_regression(task, c)) for c in _INVERSE_REGULARISATION)


def perceptron(task: Task) -> list[Scores]:
    """A layer of 128 rectified units, as in the paper; classes balanced by drawing, the best epoch kept."""
    return task.best(_epochs(task))


def untrained_prototypes(task: Task, per_class: int = 5) -> list[Scores]:
    """The nearest of each class's k-means centres, without any training."""
    centres = initial_prototypes(task.train, PrototypeOptions(per_class=per_class), task.seed)
    owners = owners_of(task.train.truth.shape[1], per_class)

    def judge(points: Scores) -> Scores:
        squared = (points**2).sum(1)[:, None] - 2.0 * points @ centres.T + (centres**2).sum(1)
        return np.stack([-squared[:, owners == c].min(axis=1) for c in range(owners[-1] + 1)], axis=1)

    return task.pooled(judge)


def _regression(task: Task, c: float) -> Callable[[Scores], Scores]:
    model: Any = LogisticRegression(C=c, class_weight="balanced", max_iter=300)
    if task.multilabel:
        model = OneVsRestClassifier(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(task.train.points, task.targets)

    def judge(points: Scores) -> Scores:
        decision = np.asarray(model.decision_function(points))
        return np.stack([-decision, decision], axis=1) if decision.ndim == 1 else decision

    return judge


def _epochs(task: Task) -> Iterator[list[Scores]]:
    """The scores after each epoch, until nothing has become better for a while."""
    model = MLPClassifier((_MLP_WIDTH,), learning_rate_init=1e-3, alpha=1e-5, batch_size=256, random_state=task.seed)
    random = np.random.default_rng(task.seed)
    metric = metric_for(multilabel=task.multilabel)[1]
    members = [np.flatnonzero(column) for column in task.train.segment_truth.T]
    size = max(_MLP_LEAST, len(task.train.points))
    best, idle = -1.0, 0
    for _ in range(_MLP_EPOCHS):
        draws = [random.choice(rows, size // len(members) + 1) for rows in members]
        rows = random.permutation(np.concatenate(draws))
        model.partial_fit(task.train.points[rows], task.targets[rows], classes=np.arange(len(members)))
        scores = task.pooled(_log_probabilities(model))
        yield scores
        value = metric(task.validation.truth, scores[0])
        best, idle = (value, 0) if value > best else (best, idle + 1)
        if idle >= _MLP_PATIENCE:
            return


def _probabilities(model: Any) -> Callable[[Scores], Scores]:
    def judge(points: Scores) -> Scores:
        found = model.predict_proba(points)
        # with several labels scikit-learn gives one array [N, 2] per label
        return np.stack([_present(rows) for rows in found], axis=1) if isinstance(found, list) else np.asarray(found)

    return judge


def _present(rows: Scores) -> Scores:
    """Probability of a label from the columns (absent, present); a label that all files have has one column."""
    return rows[:, -1]


def _log_probabilities(model: Any) -> Callable[[Scores], Scores]:
    judge = _probabilities(model)
    return lambda points: np.log(np.maximum(judge(points), 1e-12))
