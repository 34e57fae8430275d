"""What a study found, for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sonotype.training.embed import Embedded
from sonotype.training.prototypes.metrics import Interval, recalls
from sonotype.training.prototypes.parts import Row, Study


def as_json(study: Study, embedded: Embedded) -> dict[str, Any]:
    """Every number of a study."""
    split = study.split
    sizes = {"train": split.train, "validation": split.validation, "test": split.test}
    return {
        "metric": study.metric,
        "chosen": {
            "per_class": study.options.per_class,
            "seed": study.seed,
            "step": study.chosen.step,
            "pushed": study.chosen.pushed,
            "validation": study.chosen.validation,
            "temperature": study.temperature,
        },
        "options": study.options.model_dump(),
        "rows": [asdict(row) for row in study.rows],
        "to_mlp": None if study.to_perceptron is None else asdict(study.to_perceptron),
        "recall": _recall(study),
        "files": {name: 0 if c is None else len(c.truth) for name, c in sizes.items()},
        "segments": {name: 0 if c is None else len(c.points) for name, c in sizes.items()},
        "sources": {name: _sources(embedded, name) for name in sizes},
        "skipped": [{"file": skipped.path.name, "reason": skipped.reason} for skipped in embedded.skipped],
    }


def as_markdown(study: Study, embedded: Embedded) -> str:
    """The report of a model folder."""
    split = study.split
    counts = ", ".join(
        f"{name} {len(corpus.truth)} files ({len(corpus.points)} segments)"
        for name, corpus in (("train", split.train), ("validation", split.validation), ("test", split.test))
        if corpus is not None
    )
    lines = [
        "# Training report",
        "",
        f"{len(split.labels)} classes; {counts}.",
        f"Kept: K = {study.options.per_class}, seed {study.seed}, step {study.chosen.step}"
        f"{', prototypes pushed onto real segments' if study.chosen.pushed else ''}; chosen on validation.",
        f"Score: {study.metric} in per cent, mean over seeds, with the 95 % interval of the bootstrap over files.",
        "",
        *_table(study),
        "",
    ]
    if study.to_perceptron is not None:
        lines += [f"Prototypes minus MLP, on the same resampled files: {study.to_perceptron} points.", ""]
    lines += _health_table(study)
    lines += ["## Recall by class on the test files", "", *_recall_lines(study), ""] if _recall(study) else []
    if embedded.skipped:
        lines += ["## Files that were skipped", ""]
        lines += [f"- {skipped.path.name}: {skipped.reason}" for skipped in embedded.skipped]
    return "\n".join(lines).rstrip() + "\n"


def cells(row: Row) -> tuple[str, str, str, str]:
    """One line of the table of results: method, validation, test, every seed."""
    seeds = " · ".join(f"{100 * value:.1f}" for value in row.seeds) if len(row.seeds) > 1 else ""
    return row.name, f"{100 * row.validation:.1f}", _text(row.test), seeds


def _table(study: Study) -> list[str]:
    head = ["| method | validation | test | seeds |", "|---|--:|--:|--:|"]
    return head + [f"| {' | '.join(cells(row))} |" for row in study.rows]


def _health_table(study: Study) -> list[str]:
    rows = [(row, row.health) for row in study.rows if row.health is not None]
    lines = [
        "| prototypes | purity | effective rank | different medoids | norm ratio | distance to data | odd in test |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row, state in rows:
        total = (row.per_class or 0) * len(study.split.labels)
        odd = "" if state.ood_test is None else f"{100 * state.ood_test:.1f} %"
        lines.append(
            f"| {row.name} | {state.purity:.2f} | {state.effective_rank:.1f} of {total} | "
            f"{state.distinct_medoids} of {total} | {state.norm_ratio:.2f} | {state.nearest_distance:.2f} | {odd} |"
        )
    return [*lines, ""]


def _recall(study: Study) -> dict[str, float | None]:
    test = study.split.test
    if test is None or study.test_scores is None or "recall" not in study.metric:
        return {}
    return dict(zip(study.split.labels, recalls(test.truth, study.test_scores), strict=True))


def _recall_lines(study: Study) -> list[str]:
    return [f"- {label}: {'-' if r is None else f'{100 * r:.1f}'}" for label, r in _recall(study).items()]


def _sources(embedded: Embedded, split: str) -> list[str]:
    return sorted({example.source for example in embedded.examples if example.split == split and example.source})


def _text(value: Interval | None) -> str:
    return "" if value is None else str(value)
