"""What a study is made of: its data, its plan and its results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonotype.training.embed import Embedded
from sonotype.training.prototypes.corpus import (
    Corpus,
    Normaliser,
    check_classes,
    check_finite,
    fit_normaliser,
    labels_of,
    make_corpus,
)
from sonotype.training.prototypes.finish import Health
from sonotype.training.prototypes.fit import Fitted
from sonotype.training.prototypes.metrics import RESAMPLES, Interval
from sonotype.training.prototypes.options import PrototypeOptions

Scores = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Split:
    """The corpora of a study, normalised by the training segments."""

    labels: tuple[str, ...]
    normaliser: Normaliser
    train: Corpus
    validation: Corpus
    test: Corpus | None

    @property
    def tested(self) -> tuple[Corpus, ...]:
        """The test corpus, where there is one."""
        return () if self.test is None else (self.test,)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of results, over all seeds.

    Attributes:
        name: of the method.
        per_class: prototypes of each class; None for other methods.
        validation: score on the validation files, mean over seeds.
        test: score on the test files, mean over seeds, with its interval; None without test files.
        seeds: score on the test files (validation without any) of every seed.
        health: of the prototypes of the first seed.
    """

    name: str
    per_class: int | None
    validation: float
    test: Interval | None
    seeds: tuple[float, ...]
    health: Health | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """The outcome.

    Attributes:
        split: the data.
        metric: name of the score.
        rows: prototypes by size, then baselines.
        chosen: the network to keep, the best on validation.
        options: it was trained with.
        seed: it was trained with.
        temperature: of its probabilities.
        to_perceptron: the chosen size's test score minus that of the MLP, over the same resampled files.
        test_scores: logits of the chosen network on the test files, shape [F, C].
    """

    split: Split
    metric: str
    rows: tuple[Row, ...]
    chosen: Fitted
    options: PrototypeOptions
    seed: int
    temperature: float
    to_perceptron: Interval | None
    test_scores: Scores | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train.

    Attributes:
        options: of every training; `per_class` is replaced.
        sizes: numbers of prototypes of each class.
        seeds: trainings of every size, from seed 0.
        multilabel: whether files have several labels.
        compare: whether baselines are trained too.
        resamples: of the bootstrap.
    """

    options: PrototypeOptions
    sizes: Sequence[int]
    seeds: int = 3
    multilabel: bool = False
    compare: bool = True
    resamples: int = RESAMPLES


def split_up(embedded: Embedded, options: PrototypeOptions, labels: Sequence[str] | None = None) -> Split:
    """Normalise and split embedded examples.

    Args:
        embedded: of all splits.
        options: which normalisation.
        labels: the classes that there must be; None takes those of the usable files.

    Raises:
        SonotypeError: `invalid_request` for numbers that are not finite, or a class that has lost all its files.
    """
    wanted = tuple(labels or labels_of(embedded))
    check_finite(embedded)
    check_classes(embedded, wanted)
    train_vectors = embedded.part(lambda example: example.split == "train").vectors
    normaliser = fit_normaliser(train_vectors, options.normaliser)
    train, validation = (make_corpus(embedded, name, wanted, normaliser) for name in ("train", "validation"))
    has_test = any(example.split == "test" for example in embedded.examples)
    return Split(
        wanted, normaliser, train, validation, make_corpus(embedded, "test", wanted, normaliser) if has_test else None
    )
