"""Taggers and what they say as text for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sonotype.cli.document import Document


def taggers_table(document: Document) -> RenderableType:
    """Every tagger."""
    table = _table("Tagger", "Labels", "Tracks", "Prototypes", "Version", "Corrections", "")
    for one in document["taggers"]:
        sizes = (one["tracks"], one["prototypes"], one["version"], one["corrections"])
        remark = "of an older generation" if one["stale"] else ""
        table.add_row(one["name"], str(len(one["labels"])), *map(str, sizes), remark)
    for one in document["fitting"]:
        table.add_row(one["name"], "", str(one["tracks"]), "", "", "", f"{one['phase']} …")
    return table


def tagger_details(tagger: Document) -> RenderableType:
    """All that is known of a tagger."""
    facts = Table(box=None, show_header=False)
    facts.add_column(style="dim")
    for name, value in tagger.items():
        facts.add_row(name.replace("_", " "), Text(", ".join(value) if isinstance(value, list) else str(value)))
    return facts


def tagged_table(document: Document) -> RenderableType:
    """Labels with the tracks that decided."""
    table = _table("Track", "Labels", "Because of", "")
    for answer in document["answers"]:
        tags = ", ".join(f"{tag['label']} {tag['score']:.2f}" for tag in answer["tags"])
        because = [track for near in answer["prototypes"] for track in near["examples"]][:3]
        remark = "far from anything known" if answer["far"] else ""
        table.add_row(Text(answer["track"] or ""), Text(tags), Text(", ".join(because)), remark)
    return table


def change_sentence(change: Document) -> str:
    """What became of a change."""
    if change["kind"] == "feedback":
        said = f"{change['track']} is {'' if change['is'] else 'not '}{change['label']}"
        more = " (known already)" if change["replayed"] else ""
        return f"version {change['version']}: {said}{more}"
    return f"version {change['version']}: the state of version {change['target']} is back"


def versions_table(document: Document) -> RenderableType:
    """The newest changes."""
    table = _table("Version", "When", "What")
    for change in document["versions"]:
        table.add_row(str(change["version"]), change["at"][:19], Text(_what(change)))
    return table


def report_view(report: Document) -> RenderableType:
    """How good a tagger is, and which labels look wrong."""
    sizes = _table("Budget", "Prototypes", "mAP")
    for size in report["sizes"]:
        precision = size["mean_average_precision"]
        sizes.add_row(
            f"{size['share']:.0%}", f"{size['prototypes']:.0f}", "" if precision is None else f"{precision:.3f}"
        )
    doubts = _table("Track", "Said to be", "Neighbours agree")
    for doubt in report["doubts"]:
        said = doubt["label"] if doubt["is"] else f"not {doubt['label']}"
        doubts.add_row(Text(doubt["track"]), Text(said), f"{doubt['agreement']:.0%}")
    counted = f"{report['tracks']} tracks, {report['artists']} known artists; {report['doubted']} doubtful labels"
    return Group(Text(counted), sizes, doubts)


def _what(change: Document) -> str:
    if change["kind"] == "feedback":
        return f"{change['track']} is {'' if change['is'] else 'not '}{change['label']}"
    return f"{change['kind']}: the state of version {change['target']}"


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    for column in columns:
        table.add_column(column)
    return table
