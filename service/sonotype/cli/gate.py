"""`sonotype gate`: are the sonifications of a prototype model faithful? Writes the badges that the service shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import platformdirs
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sonotype.cli.errors import reported, stderr
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import PrototypeCard, read_any_card
from sonotype.models.registry import Registry
from sonotype.models.repository import repositories

if TYPE_CHECKING:
    from collections.abc import Callable

    from sonotype.evaluation.gate import GateResult, Model
    from sonotype.evaluation.judge import Ears
    from sonotype.evaluation.judging import JudgeReport

    Show = Callable[[str, int, int], None]


class Shape(StrEnum):
    """How the outcome is printed."""

    TABLE = "table"
    JSON = "json"


def gate(
    model: Annotated[Path, typer.Argument(help="The folder of a prototype model with a decoder.", exists=True)],
    data: Annotated[Path, typer.Option(help="The manifest (CSV) of the data the model was trained on.")],
    seeds: Annotated[int, typer.Option(min=0, help="Sonifications per embedding; 0 takes those of the card.")] = 0,
    tries: Annotated[
        int, typer.Option(min=1, max=64, help="Per seed, keep the sonification nearest to its embedding of so many.")
    ] = 1,
    report: Annotated[
        Path | None, typer.Option(help="Folder for report.json, report.md and index.html, a page to listen to.")
    ] = None,
    shape: Annotated[Shape, typer.Option("--format", help="Table or JSON on stdout.")] = Shape.TABLE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure only; leave the badges as they are.")] = False,
) -> None:
    """Measure the sonifications of a prototype model and write their badges into its provenance.json.

    Every prototype, and the embedding of the real segment nearest to it, is decoded with several seeds; the sounds are
    embedded again and heard by the model and by an independent judge. Exit code 0 says that it was measured; the
    badges say with what outcome.

    Example: [bold]sonotype gate models/instruments-pecmae --data instruments/manifest.csv --report docs/gate[/]
    """
    with reported():
        try:
            result, judge = _run(model, data, seeds, report, tries=tries, dry_run=dry_run)
        except OSError as error:
            raise SonotypeError(Code.INTERNAL, f"A file cannot be read or written: {error}") from error
    _print(result, judge, shape)


def _run(
    model: Path, data: Path, seeds: int, report: Path | None, *, tries: int, dry_run: bool
) -> tuple[GateResult, JudgeReport]:
    """Load everything, measure, write."""
    from sonotype.evaluation.gate import matching_provenance, run_gate, write_badges  # noqa: PLC0415 - brings torch
    from sonotype.evaluation.judging import make_judge  # noqa: PLC0415
    from sonotype.training.data.dataset import read_manifest  # noqa: PLC0415

    settings = Settings()
    recordings = read_manifest(data)
    loaded = _load(model, settings)
    matching_provenance(loaded)
    card = loaded.head.card
    with _progress() as show:
        cache = platformdirs.user_cache_path("sonotype") / "judge"
        judge, judged = make_judge(_ears(settings), recordings, card.labels, cache=cache, progress=show)
        chosen = tuple(range(seeds)) if seeds else card.seeds
        result = run_gate(loaded, judge, recordings, judge_name=judged.name, seeds=chosen, tries=tries, progress=show)
    if not dry_run:
        write_badges(model, result.provenance)
    if report is not None:
        _write_report(report, loaded, result, judged)
    return result, judged


def _load(folder: Path, settings: Settings) -> Model:
    """The head, backbone and decoder of a model folder."""
    from sonotype.evaluation.embedding import Embedder  # noqa: PLC0415 - brings torch
    from sonotype.evaluation.gate import Model  # noqa: PLC0415
    from sonotype.models.heads.prototypes import PrototypeHead  # noqa: PLC0415
    from sonotype.models.sonify import base  # noqa: PLC0415

    card = _card(folder)
    registry = Registry(repositories(settings), settings.weights_dir)
    backbone = registry.get(card.backbone.model)
    if backbone.weights_sha256 != card.backbone.sha256:
        raise SonotypeError(Code.WEIGHTS_CORRUPT, f"{card.address} was trained on other weights of {backbone.address}.")
    return Model(
        folder=folder,
        head=PrototypeHead.load(folder, card),
        embedder=Embedder(backbone, registry.weights_path(backbone), card.backbone.embedding),
        sonifier=base.load(folder, card),
    )


def _card(folder: Path) -> PrototypeCard:
    try:
        card = read_any_card(folder / "card.toml")
    except (OSError, ValueError) as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"{folder.name} is no model folder: {error}") from error
    if not isinstance(card, PrototypeCard):
        raise SonotypeError(Code.INVALID_REQUEST, f"{card.name} is a network, not a prototype model.")
    return card


def _ears(settings: Settings) -> Ears:
    from sonotype.evaluation.yamnet import YamNet, fetch_yamnet  # noqa: PLC0415 - brings OpenVINO

    return YamNet(fetch_yamnet(settings.weights_dir))


def _write_report(folder: Path, model: Model, result: GateResult, judge: JudgeReport) -> None:
    from sonotype.evaluation import report  # noqa: PLC0415
    from sonotype.evaluation.page import write_page  # noqa: PLC0415
    from sonotype.models.weights.base import write_atomic  # noqa: PLC0415

    write_atomic(folder / "report.json", json.dumps(report.as_json(result, judge), indent=1).encode() + b"\n")
    write_atomic(folder / "report.md", report.as_markdown(result, judge).encode())
    write_page(folder, model.folder, model.head.arrays, result, judge)


@contextmanager
def _progress() -> Iterator[Show]:
    """One bar per stage on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda stage, done, total: progress.update(task, description=stage, completed=done, total=total)


def _print(result: GateResult, judge: JudgeReport, shape: Shape) -> None:
    from sonotype.evaluation import report  # noqa: PLC0415

    if shape is Shape.JSON:
        typer.echo(json.dumps(report.as_json(result, judge), indent=2))
        return
    console = Console()
    console.print(_table(report.CRITERIA_HEADER, report.criteria(result)))
    console.print(_table(report.REFERENCE_HEADER, report.references(result, judge)))
    badges = [(record.prototype, record.decoded_medoid) for record in result.provenance.prototypes]
    own, near = (sum(badge is not None and badge.passed for badge in column) for column in zip(*badges, strict=True))
    console.print(f"{own} of {len(badges)} prototypes and {near} of {len(badges)} decoded medoids pass.")


def _table(header: list[str], body: list[list[str]]) -> Table:
    table = Table(*header)
    for cells in body:
        table.add_row(*cells)
    return table
