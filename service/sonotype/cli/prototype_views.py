"""How the command line shows prototypes and what is generated from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sonotype.cli.document import Document

_COLOURS = {"passed": "green", "replaced": "yellow", "failed": "red", "ungated": "dim", "silent": "dim"}


def prototypes_table(document: Document) -> Table:
    """The body of `GET /v1/prototypes`."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("Id", "Class", "Gate", "Heard", "Purity", "Share"):
        table.add_column(column, justify="right" if column in ("Purity", "Share") else "left", no_wrap=True)
    for one in document["prototypes"]:
        heard = one["rendering"] or "nothing"
        table.add_row(
            one["id"], escape(one["label"]), _verdict(one), heard, *map(_short, (one["purity"], one["share"]))
        )
    return table


def prototype_details(document: Document) -> Group:
    """The body of `GET /v1/prototypes/{id}`."""
    facts = _facts_table(_facts(document))
    return Group(
        Text(f"{document['id']}  ({document['label']}, {document['model']})", style="bold"),
        Padding(Text.from_markup(f"{_verdict(document)}: {escape(document['note'])}"), (1, 0)),
        facts,
        *([] if document["provenance"] is None else [Padding(_neighbours(document["provenance"]), (1, 0, 0, 0))]),
    )


def sound_facts(document: Document) -> Table:
    """What is known of a written sound."""
    segments = "  ".join(f"{one['label']} {one['score']:.3f}" for one in document.get("segments", ()))
    plain = [(name, str(value)) for name, value in document.items() if name != "segments"]
    return _facts_table([*plain, *([("heard as", segments)] if segments else [])])


def _facts_table(facts: Any) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, escape(value))
    return table


def _facts(document: Document) -> Iterator[tuple[str, str]]:
    yield "can be heard", ", ".join(_rendering(one) for one in document["renderings"]) or "nothing"
    if document["offered"]:
        yield "offered", _rendering(document["offered"])
    for name, badge in (("badge", document["badge"]), ("decoded medoid", document["decoded_medoid"])):
        if badge:
            yield name, _badge(badge)
            yield from ((f"  seed {score['seed']}", _seed(score)) for score in badge["scores"])
    if document["provenance"]:
        provenance = document["provenance"]
        yield "medoid", _segment(provenance["medoid"])
        yield "purity", f"{provenance['purity']:.3f} of the neighbours have its class"
        yield "share", f"{provenance['share']:.3f} of its class's segments are nearest to it"


def _rendering(one: Document) -> str:
    return str(one["kind"]) if one["seed"] is None else f"{one['kind']} (seed {one['seed']})"


def _badge(badge: Document) -> str:
    failed = f"falls short in {', '.join(badge['failed'])}; " if badge["failed"] else "passed; "
    names = ("cosine", "ceiling", "share", "retrieval", "classifier", "judge", "seeds", "null_other", "null_zero")
    return failed + ", ".join(f"{name} {badge[name]:.2f}" for name in names)


def _seed(score: Document) -> str:
    heard = f"classifier {score['classifier']}, judge {score['judge']}"
    return f"cosine {score['cosine']:.3f}, rank {score['rank']}, {heard}"


def _neighbours(provenance: Document) -> Table:
    table = Table(
        box=None, header_style="bold", pad_edge=False, title="Nearest training segments", title_justify="left"
    )
    for column in ("File", "At", "Class", "Source", "Licence", "Distance"):
        table.add_column(column, justify="right" if column in ("At", "Distance") else "left")
    for one in provenance["neighbours"]:
        texts = [escape(one[name]) for name in ("label", "source", "licence")]
        table.add_row(escape(one["file"]), f"{one['offset_s']:.1f} s", *texts, f"{one['distance']:.2f}")
    return table


def _segment(one: Document) -> str:
    return (
        f"{one['file']} at {one['offset_s']:.1f} s ({one['source']}, {one['licence']}), distance {one['distance']:.2f}"
    )


def _verdict(document: Document) -> str:
    return f"[{_COLOURS[document['verdict']]}]{document['verdict']}[/]"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
