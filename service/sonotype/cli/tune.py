"""`sonotype models tune`: which engine computes a model fastest on this machine, among those that agree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sonotype.cli.document import print_json
from sonotype.cli.errors import reported, stderr
from sonotype.cli.options import Json
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import Card
from sonotype.models.registry import Registry
from sonotype.models.repository import repositories

if TYPE_CHECKING:
    from sonotype.models.tuning.measuring import Row
    from sonotype.models.tuning.memory import Measured


def tune(
    names: Annotated[
        list[str] | None, typer.Argument(help="Networks; default: all that are pulled.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, or cuda:0 and so on.")] = "cpu",
    precision: Annotated[str | None, typer.Option(help="auto, fp32 or bf16; default: the settings'.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure even what is remembered.")] = False,
    as_json: Json = False,
) -> None:
    """Measure every engine and arithmetic, and keep the choice: the service takes it from then on.

    Engines whose scores do not agree with torch in float32 are never chosen. What was measured counts for these
    weights, this machine and these versions; with others it is forgotten.

    Example: [bold]sonotype models tune musicnn-msd[/]
    """
    with reported():
        device = _device(device)
        settings = Settings(**({"precision": precision} if precision else {}))  # type: ignore[arg-type]
        registry = Registry(repositories(settings), settings.weights_dir)
        found = [_tuned(registry, card, settings, device, again=again) for card in _cards(registry, names)]
    if as_json:
        print_json({"models": [measured.model_dump(mode="json") for measured in found]})
        return
    for measured in found:
        Console().print(_table(measured))


def _device(name: str) -> str:
    """A device's name as the workers have it."""
    found = re.fullmatch(r"cpu|cuda(?::(\d{1,3}))?", name)
    if found is None:
        raise SonotypeError(Code.INVALID_REQUEST, f"A device is cpu or cuda:N, not {name[:40]!r}.")
    if name == "cpu":
        return name
    import torch  # noqa: PLC0415 - takes seconds

    index = int(found[1] or 0)
    if index >= torch.cuda.device_count():
        raise SonotypeError(Code.INVALID_REQUEST, f"There is no cuda:{index} here.")
    return f"cuda:{index}"


def _cards(registry: Registry, names: list[str] | None) -> list[Card]:
    from sonotype.models.tuning.candidates import is_tunable  # noqa: PLC0415 - only these commands tune

    if names:
        cards = [registry.get(name) for name in names]
        for card in cards:
            if not is_tunable(card):
                raise SonotypeError(Code.INVALID_REQUEST, f"{card.address} has one engine only: nothing to choose.")
        return cards
    return [card for card in registry.cards().values() if is_tunable(card) and registry.is_pulled(card)]


def _tuned(registry: Registry, card: Card, settings: Settings, device: str, *, again: bool) -> Measured:
    from sonotype.models.runtime import load  # noqa: PLC0415 - brings an engine
    from sonotype.models.tuning.choosing import Chooser  # noqa: PLC0415
    from sonotype.models.tuning.memory import measured_file  # noqa: PLC0415

    weights = registry.weights_path(card)
    if weights is None:
        detail = f"The weights of {card.address} are not here; sonotype models pull {card.name} fetches them."
        raise SonotypeError(Code.WEIGHTS_MISSING, detail)
    chooser = Chooser(load, device, 1, measured_file(settings))
    known = None if again else chooser.recall(card, settings.precision)
    if known is not None:
        return known
    with stderr.status(f"{card.name}: measuring") as status:
        return chooser.tune(card, weights, settings.precision, lambda what: status.update(f"{card.name}: {what}"))


def _table(measured: Measured) -> Table:
    table = Table(title=f"{measured.model} on {measured.device}", title_justify="left", box=None)
    for column in ("engine", "arithmetic", "ms/patch", "largest", "mean", "first five", ""):
        table.add_column(column, justify="right" if column in ("ms/patch", "largest", "mean") else "left")
    for row in measured.rows:
        table.add_row(*_cells(row, chosen=(row.engine, row.precision) == (measured.engine, measured.precision)))
    return table


def _cells(row: Row, *, chosen: bool) -> list[str]:
    if row.fault:
        return [row.engine, row.precision, "", "", "", "", row.fault]
    agreed = "agrees" if row.agrees else "refused"
    # what was asked for by name is computed though nothing agrees
    verdict = agreed if not chosen else "chosen" if row.agrees else "refused, but asked for"
    numbers: list[Any] = [row.largest, row.mean]
    return [
        row.engine,
        row.precision,
        f"{row.ms:.1f}",
        *(f"{number:.1e}" for number in numbers),
        "same" if row.top else "others",
        verdict,
    ]
