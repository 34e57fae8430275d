"""The moving bar chart of `sonotype listen`."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from sonotype.cli.document import Document

_BAR_WIDTH = 40
_EIGHTHS = " ▏▎▍▌▋▊▉"


class Chart:
    """Bars that follow the audio; a context manager.

    Args:
        name: of what is heard.
        enabled: otherwise nothing is drawn.
        console: where to draw; the terminal by default.
    """

    def __init__(self, name: str, *, enabled: bool, console: Console | None = None) -> None:
        self._name = name
        self._latest: dict[str, Document] = {}
        start = Text("listening … the first tags come after one patch", style="dim")
        self._live = Live(start, console=console, auto_refresh=False) if enabled else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, answer: Document) -> None:
        """Draw the newest answer of every model."""
        for model in answer["models"]:
            self._latest[model["model"]] = model
        if self._live is not None:
            self._live.update(self._drawing(answer), refresh=True)

    def _drawing(self, answer: Document) -> Group:
        minutes, seconds = divmod(answer["time_s"], 60)
        when = f"{int(minutes)}:{seconds:04.1f}"
        head = Text.from_markup(f"[bold]{escape(self._name)}[/]  {when}  [dim]lag {1000 * answer['lag_s']:.0f} ms[/]")
        parts: list[Text | Table] = [head]
        for model in self._latest.values():
            parts += [Text(model["model"], style="dim"), _bars(model)]
        return Group(*parts)


def _bars(model: Document) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(justify="right", min_width=16)
    table.add_column(width=_BAR_WIDTH, style="cyan")
    table.add_column(justify="right")
    for tag in model["tags"]:
        table.add_row(escape(tag["label"]), bar(tag["score"]), f"{tag['score']:.2f}")
    return table


def bar(score: float, width: int = _BAR_WIDTH) -> str:
    """A bar of block characters, an eighth of a cell fine."""
    eighths = round(max(0.0, min(1.0, score)) * width * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
