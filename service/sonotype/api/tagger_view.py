"""From the values of taggers to what every face shows: plain documents, which REST sends as they are."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sonotype.catalog.taggers.answering import Heard
from sonotype.catalog.taggers.tagger import Outcome
from sonotype.catalog.taggers.values import Change
from sonotype.models.card import TaggerCard
from sonotype.plane.catalog.tagger_values import Fitting, Tagged, TaggerInfo, TaggerReport, Versions
from sonotype.plane.port import pick_tags

Document = dict[str, Any]
DECIMALS = 6  # as everywhere in the answers of REST


def tagger_body(info: TaggerInfo) -> Document:
    """One tagger."""
    about = asdict(info.about) | {"labels": list(info.about.labels), "created_at": _moment(info.about.created_at)}
    return about | asdict(info.facts) | {"model": f"tagger:{info.about.name}", "stale": info.stale}


def taggers_body(infos: list[TaggerInfo], fitting: list[Fitting]) -> Document:
    """All of them."""
    return {"taggers": [tagger_body(info) for info in infos], "fitting": [asdict(one) for one in fitting]}


def tagged_body(request_id: str, tagged: Tagged, top_k: int | None, threshold: float) -> Document:
    """Labels with reasons."""
    info = tagged.tagger
    answers = [_answer(info.about.labels, track, heard, top_k, threshold) for track, heard in tagged.answers]
    return {
        "request_id": request_id,
        "tagger": info.about.name,
        "version": info.facts.version,
        "stale": info.stale,
        "answers": answers,
    }


def outcome_body(labels: tuple[str, ...], outcome: Outcome) -> Document:
    """What became of a change."""
    change = change_body(labels, outcome.change)
    return change | {"prototypes": outcome.prototypes, "replayed": outcome.replayed}


def versions_body(versions: Versions) -> Document:
    """The newest changes."""
    changes = [change_body(versions.labels, change) for change in versions.changes]
    return {"current": versions.current, "versions": changes}


def report_body(report: TaggerReport) -> Document:
    """How good a tagger is."""
    return {
        "tagger": tagger_body(report.tagger),
        "tracks": report.tracks,
        "artists": report.artists,
        "sizes": [_rounded(asdict(size)) for size in report.sizes],
        "doubts": [_doubt(asdict(doubt)) for doubt in report.doubts],
        "doubted": report.doubted,
    }


def doubts_csv(report: TaggerReport) -> str:
    """The doubts of a report as a table."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(("track", "label", "is", "agreement"))
    for doubt in report.doubts:
        table.writerow((doubt.track, doubt.label, str(doubt.positive).lower(), round(doubt.agreement, DECIMALS)))
    return file.getvalue()


def change_body(labels: tuple[str, ...], change: Change) -> Document:
    """One change; what is not part of its kind is null."""
    return {
        "version": change.version,
        "kind": change.kind,
        "at": _moment(change.at),
        "event": change.event,
        "track": change.track,
        "label": None if change.label is None else labels[change.label],
        "is": change.positive,
        "split": change.split is not None,
        "merged": change.merge is not None,
        "target": change.target,
    }


def tagger_model_body(card: TaggerCard) -> Document:
    """What only a tagger has among the models."""
    return {
        "backbone": card.backbone.model,
        "embedding": card.backbone.embedding,
        "generation": card.generation,
        "tracks": card.tracks,
        "prototypes": card.prototypes,
        "corrections": card.corrections,
        "stale": card.stale,
    }


def _answer(labels: tuple[str, ...], track: str | None, heard: Heard, top_k: int | None, threshold: float) -> Document:
    number = {label: place for place, label in enumerate(labels)}
    shown = pick_tags(labels, heard.scores.tolist(), top_k, threshold)
    tags = [
        {
            "label": label,
            "score": round(score, DECIMALS),
            "shares": [round(float(near.shares[number[label]]), DECIMALS) for near in heard.near],
        }
        for label, score in shown
    ]
    near = [
        {
            "prototype": one.prototype,
            "distance": round(one.distance, DECIMALS),
            "members": one.members,
            "examples": list(one.examples),
        }
        for one in heard.near
    ]
    far = None if heard.percentile is None else round(heard.percentile, DECIMALS)
    return {"track": track, "tags": tags, "prototypes": near, "percentile": far, "far": heard.is_far}


def _doubt(doubt: Document) -> Document:
    return _rounded({("is" if name == "positive" else name): value for name, value in doubt.items()})


def _rounded(values: Document) -> Document:
    return {name: round(value, DECIMALS) if isinstance(value, float) else value for name, value in values.items()}


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
