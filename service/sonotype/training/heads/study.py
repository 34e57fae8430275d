"""Train several seeds and what they are held against, keep the best on validation, score it on the test files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from sonotype.training.heads.corpus import Corpus, Numbers, Part
from sonotype.training.heads.fit import Fitted, fit
from sonotype.training.heads.losses import file_loss, fit_temperature, predictions
from sonotype.training.heads.metrics import scores_of, with_intervals
from sonotype.training.heads.options import HeadOptions
from sonotype.training.prototypes.metrics import Interval

Progress = Callable[[str, int, int], None]
"""Called with the name of a training, the epochs done and the epochs in total."""


def _silent(name: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Run:
    """One seed: the head, and its score on the validation files by the first metric."""

    seed: int
    fitted: Fitted
    score: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a method, its score on validation, and every score on the judged files."""

    name: str
    validation: float
    scores: dict[str, Interval]


@dataclass(frozen=True, slots=True)
class Study:
    """The outcome.

    Attributes:
        corpus: the data.
        options: of the trainings.
        runs: one per seed.
        chosen: the run that was kept.
        temperature: of its probabilities.
        loss: of the validation files before and after the temperature was fitted.
        judged_on: `test`, or `validation` where there are no test files, which flatters.
        rows: the head, a linear head and the baseline.
        predicted: of the chosen head on the judged files, shape [F, C].
        seconds: of all trainings.
    """

    corpus: Corpus
    options: HeadOptions
    runs: tuple[Run, ...]
    chosen: Run
    temperature: float
    loss: tuple[float, float]
    judged_on: str
    rows: tuple[Row, ...]
    predicted: Numbers
    seconds: float

    @property
    def judged(self) -> Part:
        """The files that the scores are of."""
        return self.corpus.test or self.corpus.validation


def run_study(
    corpus: Corpus, options: HeadOptions, *, seeds: int, resamples: int, progress: Progress | None = None
) -> Study:
    """Train and judge; see the module.

    Args:
        corpus: the data.
        options: of the trainings.
        seeds: trainings, from seed 0.
        resamples: of the bootstrap that the intervals come from.
        progress: told after each epoch.
    """
    began = monotonic()
    progress = progress or _silent
    runs = _runs(corpus, options, seeds, progress, "head")
    chosen, judged, task = _best(runs), corpus.test or corpus.validation, corpus.task
    rows, temperature = [_row(corpus, "head", chosen, resamples)], _temperature(corpus, chosen.fitted)
    if options.hidden:
        linear = _best(_runs(corpus, replace(options, hidden=0), seeds, progress, "linear"))
        rows.append(_row(corpus, "linear", linear, resamples))
    rows.append(_baseline(corpus, resamples))
    valid = corpus.validation
    outputs = chosen.fitted.outputs(valid.points)
    before, after = (file_loss(task, valid, predictions(task, valid, outputs, t)) for t in (1.0, temperature))
    return Study(
        corpus=corpus,
        options=options,
        runs=runs,
        chosen=chosen,
        temperature=temperature,
        loss=(before, after),
        judged_on="test" if corpus.test is not None else "validation",
        rows=tuple(rows),
        predicted=predictions(task, judged, chosen.fitted.outputs(judged.points), temperature),
        seconds=monotonic() - began,
    )


def _runs(corpus: Corpus, options: HeadOptions, seeds: int, progress: Progress, name: str) -> tuple[Run, ...]:
    runs = []
    for seed in range(seeds):
        fitted = fit(corpus, options, seed, partial(progress, f"{name} {seed}"))
        runs.append(Run(seed, fitted, _score(corpus, fitted.outputs(corpus.validation.points))))
    return tuple(runs)


def _best(runs: tuple[Run, ...]) -> Run:
    """The best score on validation; of equals the smaller loss."""
    return max(runs, key=lambda run: (run.score, -run.fitted.loss))


def _score(corpus: Corpus, outputs: NDArray[np.floating]) -> float:
    part = corpus.validation
    _, score = next(iter(scores_of(corpus.task).items()))
    return score(part.targets, predictions(corpus.task, part, outputs))


def _temperature(corpus: Corpus, fitted: Fitted) -> float:
    return fit_temperature(corpus.task, corpus.validation, fitted.outputs(corpus.validation.points))


def _row(corpus: Corpus, name: str, run: Run, resamples: int) -> Row:
    judged, temperature = corpus.test or corpus.validation, _temperature(corpus, run.fitted)
    predicted = predictions(corpus.task, judged, run.fitted.outputs(judged.points), temperature)
    return Row(name, run.score, with_intervals(corpus.task, judged.targets, predicted, resamples))


def _baseline(corpus: Corpus, resamples: int) -> Row:
    """The share of every label, or the mean of every value, of the training files: what nobody should fall below."""
    judged, mean = corpus.test or corpus.validation, corpus.train.targets.mean(axis=0)
    _, score = next(iter(scores_of(corpus.task).items()))
    validation = score(corpus.validation.targets, np.broadcast_to(mean, corpus.validation.targets.shape))
    constant = np.broadcast_to(mean, judged.targets.shape)
    return Row("baseline", validation, with_intervals(corpus.task, judged.targets, constant, resamples))
