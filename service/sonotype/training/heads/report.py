"""The report of a study: `report.json` of the model folder, and what the command line prints as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_curve

from sonotype.core.types import Task
from sonotype.training.embed import Embedded
from sonotype.training.heads.corpus import Numbers
from sonotype.training.heads.losses import predictions
from sonotype.training.heads.metrics import concordance, correlation
from sonotype.training.heads.study import Study
from sonotype.training.prototypes.metrics import macro_precision

_DIGITS = 6


def as_json(study: Study, embedded: Embedded, task: Task) -> dict[str, Any]:
    """Everything that is known of a training; files are named, not placed."""
    corpus, scores = study.corpus, [run.score for run in study.runs]
    parts = {"train": corpus.train, "validation": corpus.validation, "test": corpus.test}
    body = {
        "task": task,
        "labels": corpus.labels,
        "files": {name: 0 if part is None else len(part.targets) for name, part in parts.items()},
        "patches": {name: 0 if part is None else len(part.points) for name, part in parts.items()},
        "skipped": [{"file": skipped.path.name, "reason": skipped.reason} for skipped in embedded.skipped],
        "options": asdict(study.options),
        "seeds": [{"seed": r.seed, "epoch": r.fitted.epoch, "validation": _round(r.score)} for r in study.runs],
        "spread": {"lowest": _round(min(scores)), "highest": _round(max(scores)), "std": _round(np.std(scores))},
        "kept_seed": study.chosen.seed,
        "temperature": _round(study.temperature),
        "validation_loss": {"uncalibrated": _round(study.loss[0]), "calibrated": _round(study.loss[1])},
        "judged_on": study.judged_on,
        "rows": [
            {"method": row.name, "validation": _round(row.validation), "scores": _plain(row.scores)}
            for row in study.rows
        ],
        "train_seconds": _round(study.seconds),
    }
    return body | {"per_label": _per_label(study, task)} | _confusion(study, task)


def _plain(scores: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {name: {key: _round(value) for key, value in asdict(it).items()} for name, it in scores.items()}


def _per_label(study: Study, task: Task) -> list[dict[str, Any]]:
    truth, found = study.judged.targets, study.predicted
    rows = []
    for c, label in enumerate(study.corpus.labels):
        row: dict[str, Any] = {"label": label}
        if task == "regression":
            row |= {"CCC": _round(concordance(truth[:, c], found[:, c]))}
            row |= {"Pearson": _round(correlation(truth[:, c], found[:, c]))}
            row |= {"RMSE": _round(np.sqrt(((truth[:, c] - found[:, c]) ** 2).mean()))}
        else:
            row["files"] = int(truth[:, c].sum())
            own = truth[:, c] > 0
            if task == "multiclass" and own.any():
                row["recall"] = _round((found[own].argmax(axis=1) == c).mean())
            if task == "multilabel":
                row["average_precision"] = _round(macro_precision(own[:, None], found[:, [c]]))
                row["threshold"] = _round(_threshold(study, c))
        rows.append(row)
    return rows


def _threshold(study: Study, column: int) -> float:
    """The score from which on a label is best given: the largest F1 over the validation files."""
    part = study.corpus.validation
    found: Numbers = predictions("multilabel", part, study.chosen.fitted.outputs(part.points), study.temperature)
    precision, recall, thresholds = precision_recall_curve(part.targets[:, column] > 0, found[:, column])
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[int(f1[:-1].argmax())])


def _confusion(study: Study, task: Task) -> dict[str, Any]:
    """Rows are the truth, columns what was found, of one label per file."""
    if task != "multiclass":
        return {}
    truth, found = study.judged.targets.argmax(axis=1), study.predicted.argmax(axis=1)
    return {"confusion": confusion_matrix(truth, found, labels=range(len(study.corpus.labels))).tolist()}


def _round(value: float | np.floating[Any]) -> float:
    return round(float(value), _DIGITS)
