"""How `sonotype models` shows cards, tables and progress."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.filesize import decimal as size
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from sonotype.models.card import AnyCard, Card, PrototypeCard
from sonotype.models.card_parts import AnyFrontend, FrontendSpec
from sonotype.models.grid import presets_of
from sonotype.models.registry import Registry
from sonotype.models.weights.base import Progress as OnProgress
from sonotype.models.weights.store import Pulled

__all__ = ["PullProgress", "details", "progress", "pulled", "sheet", "size", "summary", "table"]


def summary(registry: Registry, card: AnyCard) -> dict[str, Any]:
    """One row of the list."""
    return {
        "name": card.name,
        "version": card.version,
        "title": card.title,
        "pulled": registry.is_pulled(card),
        "n_bytes": _n_bytes(registry, card),
        "n_labels": len(card.labels),
        "embeddings": {embedding.name: embedding.dim for embedding in card.embeddings}
        if isinstance(card, Card)
        else {},
        "licence": card.licence.spdx,
        "commercial": card.licence.commercial,
    }


def _n_bytes(registry: Registry, card: AnyCard) -> int:
    """On the disk, or what they will be once they are there; a decoder beside the prototypes counts."""
    path = registry.weights_path(card)
    if path is None:
        return 4 * card.weights.n_parameters if card.weights and not isinstance(card, PrototypeCard) else 0
    decoder = path.with_name("decoder.safetensors")
    beside = decoder.stat().st_size if isinstance(card, PrototypeCard) and decoder.is_file() else 0
    return path.stat().st_size + beside


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """The list as a table."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("Name", "Title", "Pulled", "Size", "Licence"):
        shown.add_column(column, justify="right" if column == "Size" else "left", no_wrap=column != "Title")
    for row in rows:
        mark = "[green]yes[/]" if row["pulled"] else "[dim]no[/]"
        weighs = "" if row["n_bytes"] is None else size(row["n_bytes"])
        shown.add_row(row["name"], escape(row["title"]), mark, weighs, row["licence"])
    return shown


def pulled(card: Card, outcome: Pulled) -> dict[str, Any]:
    """One outcome of `pull` as JSON."""
    return {
        "model": card.address,
        "path": str(outcome.path),
        "n_bytes": outcome.n_bytes,
        "sha256": card.weights_sha256,
        "fresh": outcome.fresh,
    }


def details(card: Card, path: Path | None) -> Group:
    """Everything of a card that a user may want to read."""
    return sheet(card, _facts(card, path))


def sheet(card: AnyCard, facts: Iterable[tuple[str, str]]) -> Group:
    """Title, description, named facts and citation of any card."""
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(overflow="fold")
    for name, value in facts:
        rows.add_row(name, escape(value))
    return Group(
        Text(f"{card.title}  ({card.address})", style="bold"),
        Padding(Text(" ".join(card.description.split())), (1, 0)),
        rows,
        Padding(Text(card.citation.strip(), style="dim"), (1, 0, 0, 0)),
    )


def _facts(card: Card, path: Path | None) -> Iterator[tuple[str, str]]:
    yield "weights", str(path) if path else "not pulled" if card.weights else "none needed"
    if card.weights:
        yield "sha256", card.weights.sha256
        yield "parameters", f"{card.weights.n_parameters:,}".replace(",", " ")
    yield "source", card.source.requirement or ", ".join(card.source.urls) or card.source.kind
    yield "licence", f"{card.licence.spdx}, {card.licence.holder} {card.licence.url}".strip()
    for name, frontend in card.frontends.items():
        yield f"front end {name}", _frontend(frontend)
    cut = f"hop {card.patch.hop_frames}, tail {card.patch.tail}, short {card.patch.short}"
    yield "patch", f"{card.patch.frames} frames, {cut}"
    for preset in presets_of(card):
        yield f"quality {preset.quality}", f"{preset.cost:.0%} of the cost of full"
    for embedding in card.embeddings:
        yield f"embedding {embedding.name}", f"{embedding.dim} numbers: {embedding.description}"
    yield "labels", ", ".join(card.labels) or "none, embeddings only"


def _frontend(spec: AnyFrontend) -> str:
    if not isinstance(spec, FrontendSpec):
        return f"{spec.sample_rate_hz} Hz, none: the network takes the samples"
    return (
        f"{spec.sample_rate_hz} Hz, {spec.n_mels} mel bands from {spec.fmin_hz:g} to {spec.fmax_hz:g} Hz, "
        f"n_fft {spec.n_fft}, hop {spec.hop_length}, {spec.window} Hann, {spec.padding} padding"
    )


class PullProgress:
    """One bar per model."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def begin(self, name: str) -> OnProgress:
        """Add a bar and return what moves it."""
        task = self._bars.add_task(name, total=None, stage="")

        def move(stage: str, done: int, total: int | None) -> None:
            self._bars.update(task, completed=done, total=total, stage=stage)

        return move


@contextmanager
def progress(console: Console) -> Iterator[PullProgress]:
    """Bars while models are pulled; gone when the last one is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("[dim]{task.fields[stage]}"), console=console, transient=True) as bars:
        yield PullProgress(bars)
