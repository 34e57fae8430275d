"""What decided the answer of a tagger, as the table of `analyze` shows it."""

from __future__ import annotations

import io

from rich.console import Console

from sonotype.cli.report_reasons import reasons_of


def test_prototypes_are_shown_with_their_share_of_the_best_label() -> None:
    near = {"prototype": 2, "distance": 0.207, "members": 3, "examples": ["one", "[bold]two"]}
    decided = {"far": True, "percentile": 1.0, "prototypes": [near], "labels": [{"label": "calm", "shares": [0.35]}]}
    console = Console(width=120, record=True, file=io.StringIO())
    for part in reasons_of({"decided_by": decided, "tags": []}):
        console.print(part)
    text = console.export_text()
    assert "far from anything" in text
    assert "of calm" in text
    assert "35%  one, [bold]two" in text
