"""Train several sizes and seeds, choose on validation, score on the test files against baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.prototypes import baselines
from sonotype.training.prototypes.calibrate import fit_temperature
from sonotype.training.prototypes.finish import Health, head_arrays, health
from sonotype.training.prototypes.fit import PUSH_COST, Fitted, Task, fit, scores
from sonotype.training.prototypes.metrics import Interval, Metric, difference, interval, metric_for
from sonotype.training.prototypes.parts import Plan, Row, Scores, Split, Study

Progress = Callable[[str, int, int], None]
"""Called with what is trained, the steps done and the steps in total."""


def run(split: Split, plan: Plan, progress: Progress = lambda name, done, total: None) -> Study:
    """Train and score everything; on validation the smallest good size is chosen, and the best of its seeds.

    Raises:
        SonotypeError: see `fit`.
    """
    if plan.seeds < 1 or not plan.sizes:
        raise SonotypeError(Code.INVALID_REQUEST, "At least one seed and one number of prototypes are needed.")
    name, metric = metric_for(multilabel=plan.multilabel)
    judge = _Judge(split, metric, plan.resamples)
    runs = {size: [_train(split, plan, size, seed, progress) for seed in range(plan.seeds)] for size in plan.sizes}
    rows = [_prototype_row(judge, size, runs[size]) for size in plan.sizes]
    size, seed = _choose(runs)
    others = _baselines(split, plan, size, progress) if plan.compare else {}
    rows += [judge.row(title, None, found) for title, found in others.items()]
    chosen = runs[size][seed]
    options = plan.options.model_copy(update={"per_class": size})
    ours = [judge.of(fitted) for fitted in runs[size]]
    return Study(
        split=split,
        metric=name,
        rows=tuple(rows),
        chosen=chosen,
        options=options,
        seed=seed,
        temperature=_temperature(chosen, split, plan),
        to_perceptron=judge.difference(ours, others[PERCEPTRON]) if others else None,
        test_scores=None if split.test is None else scores(chosen.network, split.test),
    )


PERCEPTRON = "MLP 128"


def _choose(runs: Mapping[int, Sequence[Fitted]]) -> tuple[int, int]:
    """Size and seed to keep: pushed and few prototypes within half a point of the best on validation."""
    best = max(fitted.validation for found in runs.values() for fitted in found)
    places = [
        (fitted.pushed, -size, fitted.validation, -seed)
        for size, found in runs.items()
        for seed, fitted in enumerate(found)
        if fitted.validation >= best - PUSH_COST
    ]
    _, size, _, seed = max(places)
    return -size, -seed


class _Judge:
    """Scores on validation and test."""

    def __init__(self, split: Split, metric: Metric, resamples: int) -> None:
        self._split, self._metric, self._resamples = split, metric, resamples

    def of(self, fitted: Fitted) -> list[Scores]:
        """Scores on the validation files, then on the test files where there are any."""
        return [scores(fitted.network, corpus) for corpus in (self._split.validation, *self._split.tested)]

    def row(self, name: str, per_class: int | None, found: list[list[Scores]], state: Health | None = None) -> Row:
        """A line from the scores of every seed."""
        validation = [self._metric(self._split.validation.truth, each[0]) for each in found]
        test = self._split.test
        if test is None:
            return Row(name, per_class, float(np.mean(validation)), None, tuple(validation), state)
        tested = [each[1] for each in found]
        return Row(
            name,
            per_class,
            float(np.mean(validation)),
            interval(test.truth, tested, self._metric, self._resamples),
            tuple(self._metric(test.truth, each) for each in tested),
            state,
        )

    def difference(self, ours: list[list[Scores]], theirs: list[list[Scores]]) -> Interval | None:
        test = self._split.test
        if test is None:
            return None
        first, second = [each[1] for each in ours], [each[1] for each in theirs]
        return difference(test.truth, first, second, self._metric, self._resamples)


def _train(split: Split, plan: Plan, size: int, seed: int, progress: Progress) -> Fitted:
    name = f"K = {size}, seed {seed}"
    task = Task(split.train, split.validation, seed, plan.multilabel, lambda done, total: progress(name, done, total))
    return fit(task, plan.options.model_copy(update={"per_class": size}))


def _prototype_row(judge: _Judge, size: int, runs: list[Fitted]) -> Row:
    network, split = runs[0].network, judge._split
    arrays, _ = head_arrays(network, split.train, split.normaliser)
    state = health(network, split.train, split.validation, split.test, float(arrays.ood_threshold[0]))
    return judge.row(f"prototypes, K = {size}", size, [judge.of(fitted) for fitted in runs], state)


def _baselines(split: Split, plan: Plan, size: int, progress: Progress) -> dict[str, list[list[Scores]]]:
    """Scores by method and seed; what has no randomness is run once."""
    tasks = [
        baselines.Task(split.train, split.validation, split.tested, seed, plan.multilabel) for seed in range(plan.seeds)
    ]
    methods: dict[str, Callable[[baselines.Task], list[Scores]]] = {
        f"k-means, K = {size}, untrained": lambda task: baselines.untrained_prototypes(task, size),
        "k-nearest neighbours": baselines.nearest_neighbours,
        "logistic regression": baselines.logistic_regression,
        PERCEPTRON: baselines.perceptron,
    }
    random = {PERCEPTRON, next(iter(methods))}
    found: dict[str, list[list[Scores]]] = {}
    for done, (name, method) in enumerate(methods.items()):
        progress("baselines", done, len(methods))
        found[name] = [method(task) for task in (tasks if name in random else tasks[:1])]
    progress("baselines", len(methods), len(methods))
    return found


def _temperature(chosen: Fitted, split: Split, plan: Plan) -> float:
    if not plan.options.calibrate:
        return plan.options.temperature
    return fit_temperature(scores(chosen.network, split.validation), split.validation.truth, multilabel=plan.multilabel)
