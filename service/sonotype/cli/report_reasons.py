"""The reasons of an answer for people: what speaks for and against, as bars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

_BAR_WIDTH = 24
# besides the best label, those that a multilabel model would say yes to
_LIKELY = 0.5


def reasons_of(result: dict[str, Any]) -> Iterator[RenderableType]:
    """The reasons for the best labels; JSON holds those for all that are shown."""
    if "decided_by" in result:
        yield from _decided(result["decided_by"])
    reasons = result.get("reasons")
    if reasons is None:
        return
    if reasons["out_of_distribution"]:
        facts = f"nearest prototype {reasons['similarity_max']:.3f}, usual at least {reasons['ood_threshold']:.3f}"
        yield Text.from_markup(f"[yellow]unlike anything in training:[/] {facts}")
    for i, (tag, label) in enumerate(zip(result["tags"], reasons["labels"], strict=True)):
        if i == 0 or tag["score"] >= _LIKELY:
            yield Text(_sum(label), style="dim")
            yield _shares(label)


def _decided(decided: dict[str, Any]) -> Iterator[RenderableType]:
    """What a tagger went by: the prototypes near the clip, and tracks they stand for."""
    if decided["far"]:
        yield Text("far from anything the tagger knows", style="yellow")
    best = decided["labels"][0] if decided["labels"] else None
    table = Table(box=None)
    for column in ("near", "distance", "tracks", "" if best is None else f"of {escape(best['label'])}", "such as"):
        table.add_column(column, justify="left" if column == "such as" else "right")
    for place, near in enumerate(decided["prototypes"]):
        share = "" if best is None else f"{best['shares'][place]:.0%}"
        examples = escape(", ".join(near["examples"]))
        table.add_row(str(near["prototype"]), f"{near['distance']:.3f}", str(near["members"]), share, examples)
    yield table


def _sum(label: dict[str, Any]) -> str:
    pro, against = (sum(share["evidence"] for share in label[side]) for side in ("for", "against"))
    parts = f"baseline {label['baseline']:+.3f}, for {pro:+.3f}, against {against:+.3f}, rest {label['rest']:+.3f}"
    return f"why {label['label']}: logit {label['logit']:.3f} = {parts}"


def _shares(label: dict[str, Any]) -> Table:
    table = Table(box=None)
    table.add_column("evidence", justify="right")
    for column in ("", "prototype", "heard"):
        table.add_column(column, no_wrap=column == "prototype")
    shares = [*label["for"], *label["against"]]
    largest = max((abs(share["evidence"]) for share in shares), default=1.0)
    for share in shares:
        width = max(1, round(_BAR_WIDTH * abs(share["evidence"]) / largest))
        bar = f"[green]{'█' * width}[/]" if share["evidence"] > 0 else f"[red]{'▒' * width}[/]"
        heard = share["rendering"] or ""
        # the head of the answer names the model, and the rest of an id its class
        name = share["id"].partition(".")[2]
        table.add_row(f"{share['evidence']:+.3f}", bar, escape(name), heard)
    return table
