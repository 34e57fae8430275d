"""How answers are printed: a table for people, JSON, JSON lines and CSV for programs."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from sonotype.cli.report_reasons import reasons_of

Answers = Sequence[tuple[Path, dict[str, Any]]]
_BAR_WIDTH = 24


class Format(StrEnum):
    """Output formats of `sonotype analyze`."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


def write_report(form: Format, answers: Answers) -> None:
    """Print to stdout: nothing else ever goes there, so that it can be piped."""
    writer = {Format.TABLE: _table, Format.JSON: _json, Format.JSONL: _jsonl, Format.CSV: _csv}[form]
    writer(answers)


def _json(answers: Answers) -> None:
    _write([{"file": str(path)} | document for path, document in answers], orjson.OPT_INDENT_2)


def _jsonl(answers: Answers) -> None:
    for path, document in answers:
        _write({"file": str(path)} | document)


def _write(body: object, options: int = 0) -> None:
    """One JSON document and a line end; embeddings may still be NumPy arrays."""
    line = orjson.dumps(body, option=options | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
    sys.stdout.write(line.decode())


def _csv(answers: Answers) -> None:
    out = csv.writer(sys.stdout)
    out.writerow(["file", "model", "rank", "label", "score"])
    for path, document in answers:
        for result in document["results"]:
            for rank, tag in enumerate(result["tags"], 1):
                out.writerow([str(path), result["model"], rank, tag["label"], f"{tag['score']:.6f}"])


def _table(answers: Answers) -> None:
    console = Console()
    for path, document in answers:
        clip = document["clip"]
        console.print(f"\n[bold]{escape(path.name)}[/]  {_facts(clip)}")
        for result in document["results"]:
            console.print(f"[dim]{_how(result)}[/]", soft_wrap=True)
            console.print(_tags(result))
            for part in reasons_of(result):
                console.print(part, soft_wrap=isinstance(part, Text))


def _facts(clip: dict[str, Any]) -> str:
    minutes, seconds = divmod(clip["duration_s"], 60)
    warnings = "".join(f" [yellow]{name}[/]" for name in ("truncated", "clipped", "silent") if clip[name])
    facts = f"{clip['format']}, {int(minutes)}:{seconds:04.1f}, {clip['sample_rate_hz']} Hz, {clip['channels']} ch"
    return f"[dim]{facts}[/]{warnings}"


def _how(result: dict[str, Any]) -> str:
    patches = result["patches"]
    cut = f"{patches['count']} patches of {patches['length_s']:.2f} s, {patches['dropped_s']:.1f} s at the end not used"
    if patches["overlap_s"]:
        cut += f", the last shares {patches['overlap_s']:.1f} s with the one before"
    return f"{result['model']}, {result['precision']}{_quality(result)}{', cached' if result['cached'] else ''}: {cut}"


def _quality(result: dict[str, Any]) -> str:
    """Nothing where nothing was left out."""
    return f", {result['quality']}" if result["quality"] != "full" else ", with patchout" if result["patchout"] else ""


def _tags(result: dict[str, Any]) -> Table:
    """Scores with bars; values, which have no bounds, without."""
    is_value = result["task"] == "regression"
    table = Table(box=None)
    table.add_column("value" if is_value else "tag")
    table.add_column("" if is_value else "score", justify="right")
    table.add_column("")
    for group, tags in _grouped(result["tags"]):
        if group:
            table.add_row(f"[bold]{escape(group)}[/]", "", "")
        for tag in tags:
            bar = "" if is_value else "█" * round(_BAR_WIDTH * tag["score"])
            table.add_row(("  " if group else "") + escape(tag["label"]), f"{tag['score']:.3f}", bar)
    return table


def _grouped(tags: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Tags by group, the group of the best one first; all in one without a name where there are no groups."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for tag in tags:
        groups.setdefault(tag.get("group") or "", []).append(tag)
    return list(groups.items())
