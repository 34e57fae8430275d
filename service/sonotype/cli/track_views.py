"""Tracks and matches as text for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from sonotype.cli.document import Document


def tracks_table(tracks: list[Document]) -> RenderableType:
    """A list of tracks."""
    table = _table("Track", "Artist", "Title", "Album", "Year", "Length", "Tags")
    for track in tracks:
        said = track["metadata"]
        table.add_row(
            *_names(track), said["album"] or "", str(said["year"] or ""), _length(said), ", ".join(said["tags"])
        )
    return table


def track_details(track: Document) -> RenderableType:
    """All that is known of a track."""
    facts = Table(box=None, show_header=False)
    facts.add_column(style="dim")
    for name, value in {"id": track["id"], **track["metadata"], "source": track["source"]}.items():
        if value not in (None, "", [], {}):
            facts.add_row(name.replace("_", " "), Text(", ".join(value) if isinstance(value, list) else str(value)))
    labels = ", ".join(f"{one['label']} {one['score']:.2f}" for one in track["labels"])
    evidence = ", ".join(f"{one['prototype']} {one['share']:+.2f}" for one in track["evidence"])
    facts.add_row("labels", Text(labels or "none"))
    facts.add_row("evidence", Text(evidence or "none"))
    return facts


def matches_table(document: Document) -> RenderableType:
    """Tracks in the order of an answer, with its reasons where they were asked for."""
    reasons = any("why" in match for match in document["matches"])
    table = _table("Similarity", "Track", "Artist", "Title", *(["Why"] if reasons else []))
    for match in document["matches"]:
        why = [Text(match.get("why", {}).get("sentence", ""))] if reasons else []
        table.add_row(f"{match['similarity']:.3f}", *_names(match["track"]), *why)
    return Group(table, *_remarks(document))


def why_details(why: Document) -> RenderableType:
    """Why two tracks are alike."""
    table = _table("Both have", "", "A", "B")
    for one in why["labels"]:
        table.add_row(
            f"label of {escape(one['model'])}", one["label"], f"{one['score_a']:.2f}", f"{one['score_b']:.2f}"
        )
    for one in why["prototypes"]:
        shares = (f"{one['share_a']:+.3f}", f"{one['share_b']:+.3f}")
        table.add_row("evidence of", escape(one["prototype"]), *shares)
    for name, values in (("tag", why["tags"]), ("the same", why["same"])):
        for value in values:
            table.add_row(name, Text(value), "", "")
    cosine = "unknown" if why["similarity"] is None else f"{why['similarity']:.3f}"
    return Group(Text(why["sentence"]), Text(f"similarity {cosine}"), table)


def _remarks(document: Document) -> Iterator[RenderableType]:
    if document["short_because"]:
        yield Text(document["short_because"], style="yellow")
    if document["degraded"]:
        yield Text("The index is being rebuilt: this was slower than usual, and is complete.", style="yellow")


def _names(track: Document) -> tuple[Text, Text, Text]:
    said = track["metadata"]
    title = said["title"] or PurePosixPath(said["external_id"] or "").name
    return Text(track["id"]), Text(said["artist"] or ""), Text(title)


def _length(said: Document) -> str:
    seconds = said["duration_s"]
    return "" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        # an id that is cut cannot be copied
        table.add_column(
            column,
            no_wrap=column == "Track",
            overflow="fold" if column == "Track" else "ellipsis",
            justify="right" if column in {"Similarity", "Year", "Length", "A", "B"} else "left",
        )
    return table
