"""What `sonotype train head` prints at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from sonotype.cli.errors import stderr

if TYPE_CHECKING:
    from sonotype.models.card import HeadCard
    from sonotype.training.heads.study import Study


def show(study: Study, card: HeadCard, folder: Path) -> None:
    """The table of scores, what was kept, and where it lies."""
    names = list(study.rows[0].scores)
    table = Table(box=None, header_style="bold", pad_edge=False, title_justify="left")
    table.title = f"{len(study.judged.targets)} {study.judged_on} files, 95 % intervals"
    table.add_column("Method")
    for name in names:
        table.add_column(name, justify="right")
    for row in study.rows:
        cells = (row.scores[name] for name in names)
        table.add_row(row.name, *(f"{it.value:.3f} [{it.low:.3f}, {it.high:.3f}]" for it in cells))
    console = Console()
    console.print(table)
    scores = [run.score for run in study.runs]
    spread = f"validation {names[0]} {min(scores):.3f} to {max(scores):.3f} over {len(scores)} seeds"
    console.print(f"{spread}, {study.seconds:.1f} s of training", highlight=False)
    if card.task != "regression":
        loss = f"validation loss {study.loss[0]:.3f} → {study.loss[1]:.3f}"
        console.print(f"temperature {card.temperature:.3g}: {loss}", highlight=False)
    console.print(f"{card.address}, seed {study.chosen.seed} → {folder}", highlight=False, soft_wrap=True)


def loaded(card: HeadCard, server: str) -> None:
    """Say that a running service has it."""
    stderr.print(f"{server} serves {card.address}", highlight=False, soft_wrap=True)
