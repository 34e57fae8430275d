"""`sonotype train decoder`: train a decoder from embeddings to audio on one's own sounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sonotype.cli.backbone import find_backbone
from sonotype.cli.errors import reported
from sonotype.core.errors import Code, SonotypeError

if TYPE_CHECKING:
    from sonotype.training.decoder.corpus import Backbone
    from sonotype.training.decoder.loop import Report

_STAGES = ("flow", "vocoder")


def decoder(
    data: Annotated[Path, typer.Option(help="manifest (CSV) of training audio, see docs/data.md")],
    out: Annotated[Path, typer.Option(help="model folder that gets decoder.safetensors and its table")],
    embedding: Annotated[str, typer.Option(help="`network@embedding` that the sounds are made from")],
    work: Annotated[
        Path | None, typer.Option(help="folder of caches and checkpoints; default: beside the manifest")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="time for each of the two networks")] = 50.0,
    steps: Annotated[
        int | None, typer.Option(min=1, help="steps of each network instead of a time; the same result every time")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="of everything random")] = 0,
    stage: Annotated[
        str, typer.Option(help="`flow`, `vocoder`, `export` or `all`; stages may run side by side")
    ] = "all",
    threads: Annotated[int, typer.Option(min=1, help="of arithmetic; 1 unless the machine is otherwise idle")] = 1,
) -> None:
    """Train a decoder; run it again to go on where it was interrupted."""
    with reported():
        import torch  # noqa: PLC0415 - the command line must start without it

        from sonotype.training.data.dataset import read_manifest  # noqa: PLC0415
        from sonotype.training.decoder.loop import Budget  # noqa: PLC0415
        from sonotype.training.decoder.recipe import Recipe  # noqa: PLC0415

        if stage not in (*_STAGES, "export", "all"):
            raise SonotypeError(Code.INVALID_REQUEST, f"There is no stage {stage[:40]!r}.")
        backbone = _backbone(embedding)
        torch.set_num_threads(threads)
        recipe = Recipe(read_manifest(data), backbone, work or data.parent / "decoder-work", seed=seed)
        budget = Budget(minutes=minutes) if steps is None else Budget(steps=steps)
        with Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()) as bar:
            for split in ("train", "validation"):
                task = bar.add_task(f"reading {split}", total=None)
                recipe.corpus(split, lambda done, total, task=task: bar.update(task, completed=done + 1, total=total))  # type: ignore[misc]
            for name in _STAGES if stage == "all" else [stage] if stage in _STAGES else []:
                shown = _Shown(bar, name)
                recipe.train(name, budget, shown)  # type: ignore[arg-type]
        if stage in _STAGES:
            typer.echo(f"The {stage} is trained; with both networks there, run --stage export.")
            return
        spec = recipe.export(out)
        typer.echo(f"{out / 'decoder.safetensors'}: {spec.n_parameters} numbers, sha256 {spec.sha256}")


class _Shown:
    """A line of progress with the running loss and the last figure of validation."""

    def __init__(self, bar: Progress, stage: str) -> None:
        self._bar, self._stage = bar, stage
        self._task = bar.add_task(f"training {stage}", total=1.0)
        self._loss, self._validation = float("nan"), float("nan")

    def __call__(self, stage: str, report: Report) -> None:
        self._loss = report.loss if self._loss != self._loss else 0.98 * self._loss + 0.02 * report.loss
        self._validation = self._validation if report.validation is None else report.validation
        text = f"training {stage} · step {report.step} · loss {self._loss:.3f} · validation {self._validation:.3f}"
        self._bar.update(self._task, completed=report.spent, description=text)


def _backbone(address: str) -> Backbone:
    """The loaded network and the name of its embedding."""
    from sonotype.models.runtime import load  # noqa: PLC0415
    from sonotype.training.decoder.corpus import Backbone  # noqa: PLC0415

    card, name, weights = find_backbone(address)
    return Backbone(load(card, weights, "cpu", "auto"), name)
