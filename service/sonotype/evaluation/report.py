"""What the gate found, as JSON, as Markdown, and as rows for whoever else shows a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sonotype.evaluation import thresholds
from sonotype.evaluation.gate import GateResult
from sonotype.evaluation.judging import JudgeReport
from sonotype.evaluation.summary import Interval, Summary
from sonotype.models.heads.provenance import Badge, Criterion

# the value of each criterion in a summary, and in words
CRITERIA: dict[Criterion, str] = {
    "classifier": "the model hears the right class",
    "judge": "the independent judge hears the right class",
    "cosine": "cosine to the embedding, as a share of its ceiling",
    "retrieval": "nearest to its own prototype among all (R@1)",
    "seeds": "cosine between seeds",
    "nulls": "cosine above the higher null by",
}
# what would be good, where that is more than enough
_AIMS: dict[Criterion, float] = {"classifier": thresholds.CLASSIFIER_AIM, "judge": thresholds.JUDGE_AIM}
_FURTHER = {
    "cosine": "cosine to the embedding",
    "ceiling": "its ceiling: the real medoid through the codec",
    "null_other": "null: sonifications of other classes",
    "null_zero": "null: sonification of no embedding (z = 0)",
    "reciprocal_rank": "mean reciprocal rank",
    "certainty": "probability of the class, classifier (TCC)",
    "judge_certainty": "probability of the class, judge",
    "passed": "badges passed",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One criterion over one kind of sonification."""

    criterion: Criterion
    words: str
    threshold: float
    value: float
    interval: Interval | None
    passed: bool


def rows(summary: Summary) -> list[Row]:
    """All criteria of a summary, in the order in which people ask for them."""
    found = {verdict.criterion: verdict for verdict in summary.verdicts}
    return [
        Row(name, words, found[name].threshold, found[name].value, _interval(summary, name), found[name].passed)
        for name, words in CRITERIA.items()
    ]


def _interval(summary: Summary, criterion: Criterion) -> Interval | None:
    """The interval that belongs to a criterion; the distance from the nulls has none."""
    intervals: dict[Criterion, Interval] = {
        "cosine": summary.share,
        "retrieval": summary.retrieval,
        "classifier": summary.classifier,
        "judge": summary.judge,
        "seeds": summary.seeds,
    }
    return intervals.get(criterion)


def as_json(result: GateResult, judge: JudgeReport) -> dict[str, Any]:
    """Everything but the sounds, ready for `json.dumps`."""
    return {
        "model": result.card.address,
        "weights_sha256": result.card.weights.sha256,
        "decoder_sha256": result.provenance.decoder_sha256,
        "seeds": list(result.seeds),
        "tries": result.tries,
        "pushed": result.pushed,
        "ceiling": "codec" if result.coded else "real segment",
        "thresholds": {
            "classifier": thresholds.CLASSIFIER,
            "judge": thresholds.JUDGE,
            "cosine_share": thresholds.SHARE,
            "retrieval": thresholds.RETRIEVAL,
            "seeds": thresholds.SEEDS,
            "null_margin": thresholds.NULL_MARGIN,
        },
        "aims": dict(_AIMS),
        "passed": {"prototypes": _passed(result.prototypes), "medoids": _passed(result.medoids)},
        "judge": asdict(judge),
        "prototypes": asdict(result.prototypes),
        "medoids": asdict(result.medoids),
        "real_medoids": asdict(result.real),
        "coded_medoids": asdict(result.codec),
        "held_out": None if result.held_out is None else asdict(result.held_out),
        "effective_rank": result.provenance.effective_rank,
        "collapsed": [list(group) for group in result.provenance.collapsed],
        "badges": {
            record.id: {"prototype": _verdict(record.prototype), "medoid": _verdict(record.decoded_medoid)}
            for record in result.provenance.prototypes
        },
    }


def as_markdown(result: GateResult, judge: JudgeReport) -> str:
    """The report for people."""
    parts = [
        f"# Gate of {result.card.address}",
        f"{result.prototypes.items} prototypes, seeds {', '.join(map(str, result.seeds))}; "
        "means over prototypes with 95 % bootstrap intervals."
        + (f" Of {result.tries} sonifications per seed the one nearest to its embedding is kept." * (result.tries > 1))
        + (" Every prototype is its medoid, so both columns are one." if result.pushed else ""),
        _criteria_table(result),
        "## What lies behind",
        _table(
            ["", "decoded prototypes", "decoded medoids"],
            [
                [words, shown(getattr(result.prototypes, name)), shown(getattr(result.medoids, name))]
                for name, words in _FURTHER.items()
            ],
        ),
        "## References",
        _references(result, judge),
        "## Badges",
        _table(
            ["prototype", "decoded prototype", "decoded medoid", "purity", "share of its class"],
            [
                [r.id, words_of(r.prototype), words_of(r.decoded_medoid), f"{r.purity:.2f}", f"{r.share:.2f}"]
                for r in result.provenance.prototypes
            ],
        ),
        f"Effective rank of the similarities {result.provenance.effective_rank:.1f} of {result.prototypes.items}; "
        f"groups with the same nearest segment: {_groups(result)}.",
    ]
    return "\n\n".join(parts) + "\n"


def shown(interval: Interval) -> str:
    """A value with its interval, `0.91 (0.85 to 0.96)`."""
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def words_of(badge: Badge | None) -> str:
    """A badge in a few words."""
    if badge is None:
        return "not measured"
    return "passed" if badge.passed else "failed: " + ", ".join(badge.failed)


def cell(row: Row) -> str:
    """A criterion's value, its interval, and its verdict."""
    value = f"{row.value:.2f}" if row.interval is None else shown(row.interval)
    return f"{value} {'passed' if row.passed else 'FAILED'}"


def references(result: GateResult, judge: JudgeReport) -> list[list[str]]:
    """Rows of the reference table: what is heard, classifier, judge, retrieval, cosine to the real embedding."""
    table = [
        ["real medoids", shown(result.real.classifier), shown(result.real.judge), shown(result.real.retrieval), "1"],
        [
            "real medoids through the codec",
            shown(result.codec.classifier),
            shown(result.codec.judge),
            shown(result.codec.retrieval),
            shown(result.medoids.ceiling),
        ],
    ]
    if (held := result.held_out) is not None:
        table += [
            [f"{held.items} held-out recordings", shown(held.real_classifier), shown(held.real_judge), "", "1"],
            [
                "the same through the codec",
                shown(held.codec_classifier),
                shown(held.codec_judge),
                "",
                shown(held.ceiling),
            ],
            [
                "the same, decoded from their embeddings",
                shown(held.decoded_classifier),
                shown(held.decoded_judge),
                "",
                shown(held.cosine),
            ],
        ]
    if judge.test is not None:
        table.append([f"{judge.items['test']} held-out recordings, judge only", "", shown(judge.test), "", ""])
    return table


REFERENCE_HEADER = ["what is heard", "classifier", "judge", "R@1", "cosine"]


def criteria(result: GateResult) -> list[list[str]]:
    """Rows of the table of criteria."""
    return [
        [own.words, _wanted(own), cell(own), cell(near)]
        for own, near in zip(rows(result.prototypes), rows(result.medoids), strict=True)
    ]


def _wanted(row: Row) -> str:
    aim = _AIMS.get(row.criterion)
    return f"≥ {row.threshold:g}" + ("" if aim is None else f" (aim {aim:g})")


CRITERIA_HEADER = ["criterion", "wanted", "decoded prototypes", "decoded medoids"]


def _criteria_table(result: GateResult) -> str:
    return _table(CRITERIA_HEADER, criteria(result))


def _references(result: GateResult, judge: JudgeReport) -> str:
    return _table(REFERENCE_HEADER, references(result, judge))


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _passed(summary: Summary) -> bool:
    return all(verdict.passed for verdict in summary.verdicts)


def _verdict(badge: Badge | None) -> dict[str, Any] | None:
    return None if badge is None else badge.model_dump(mode="json")


def _groups(result: GateResult) -> str:
    return "; ".join(", ".join(group) for group in result.provenance.collapsed) or "none"
