"""The table, for a terminal and for docs/engines.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from sonotype.models.tuning.measuring import PROMISED

HEAD = ("", "engine", "ms/patch", "times the peer", "loads in", "made audio", "music", "mean", "first five", "")
_LEFT = 2
BEGIN, END = "<!-- python -m bench engines -->", "<!-- end -->"


def table(result: Mapping[str, Any]) -> Table:
    """For a terminal."""
    shown = Table(*HEAD)
    for cells in _cells(result):
        shown.add_row(*cells)
    return shown


def markdown(result: Mapping[str, Any]) -> str:
    """For a page; the choice of each network is bold."""
    lines = [f"| {' | '.join(HEAD)} |", "|---|---|" + "--:|" * (len(HEAD) - _LEFT - 1) + "---|"]
    for cells in _cells(result):
        chosen = cells[-1] == "chosen"
        lines.append("| " + " | ".join(f"**{cell}**" if chosen and cell else cell for cell in cells) + " |")
    return "\n".join(re.sub(" +", " ", line) for line in [*lines, "", caption(result)]) + "\n"


def caption(result: Mapping[str, Any]) -> str:
    """On what, and how often."""
    machine, versions = result["machine"], ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    work = f"rounds: {result['rounds']}, clips of music: {result['clips']}, load at the start: {result['load']}"
    return f"{machine['cores']} cores of {machine['cpu']}; {work}; {versions}."


def placed(page: str, text: str) -> str:
    """A page with the text between its marks.

    Raises:
        ValueError: the page has no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def broken(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Choices that break a promise: slower than the reference, or further from it on music than is promised."""
    found = []
    for row in (row for row in rows if row["chosen"] and row["gate"] is not None):
        limit = PROMISED["bf16" if row["contender"].endswith("bf16") else "fp32"]
        if row["music"] > limit or row["to_peer"] < 1.0:
            found.append(f"{row['model']}, {row['contender']}")
    return found


def _cells(result: Mapping[str, Any]) -> Iterator[list[str]]:
    last = ""
    for row in result["rows"]:
        verdict = "chosen" if row["chosen"] else "" if row["agrees"] else "refused"
        yield [
            "" if row["model"] == last else row["model"],
            row["contender"],
            f"{row['ms']:.3g}" if row["ms"] < 1000 else f"{row['ms']:.0f}",
            f"{row['to_peer']:.2f}",
            f"{row['load_s']:.1f} s" if row["load_s"] else "",
            _number(row["gate"]),
            _number(row["music"]),
            _number(row["music_mean"]),
            f"{row['music_top']}/{result['clips']}",
            verdict,
        ]
        last = row["model"]


def _number(value: float | None) -> str:
    return "" if value is None else "0" if value == 0 else f"{value:.1e}"
