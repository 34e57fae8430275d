"""What a worker is told to serve: the card, where its weights lie, and the shapes that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sonotype.models.card import Card
from sonotype.models.grid import LEAST_SHARE, grid_of
from sonotype.models.runtime import output_shapes
from sonotype.serving.workers.slab import Geometry, row_floats

SLOTS = 2  # one batch runs, the next lies ready


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model of this deployment; `weights` is None for a family without weights.

    `engine` and `precision` are what the settings ask for; see `models.tuning.choosing`.
    """

    card: Card
    weights: Path | None = None
    precision: str = "auto"
    engine: str = "auto"


@dataclass(frozen=True, slots=True)
class Shape:
    """Shapes of one model with one front end.

    Attributes:
        window_samples: samples of one row.
        patch_frames: frames of one row.
        cost_s: seconds of audio that one row makes the network compute.
        least_cost_s: the same where as much as can be is left out of it.
        outputs: output name to the shape of one row.
    """

    window_samples: int
    patch_frames: int
    cost_s: float
    least_cost_s: float
    outputs: dict[str, tuple[int, ...]]


def shapes_of(models: Iterable[ServedModel]) -> dict[tuple[str, str], Shape]:
    """Shape by (model address, front end)."""
    return {(model.card.address, name): _shape(model.card, name) for model in models for name in model.card.frontends}


def geometry(shapes: Iterable[Shape], max_rows: int, budget_s: float) -> Geometry:
    """A slab that holds the largest batch of any shape."""
    inputs, outputs = 0, 0
    for shape in shapes:
        rows = rows_within(shape.least_cost_s, max_rows, budget_s)
        inputs = max(inputs, rows * shape.window_samples * 4)
        outputs = max(outputs, rows * row_floats(shape.outputs) * 4)
    return Geometry(SLOTS, inputs, outputs)


def rows_within(cost_s: float, max_rows: int, budget_s: float) -> int:
    """Most rows of one cost in one batch; one row always fits."""
    return max(1, min(max_rows, int(budget_s * (1 + 1e-9) / cost_s)))


def budget_for(shapes: Sequence[Shape], rows: int, batch_audio_s: float) -> float:
    """Cost budget of a batch (seconds of audio): the setting, or `rows` of the longest patch."""
    return batch_audio_s or rows * max(shape.cost_s for shape in shapes)


def _shape(card: Card, frontend: str) -> Shape:
    spec, frames = card.frontends[frontend], card.patch.frames
    cost_s = frames * spec.hop_length / spec.sample_rate_hz
    return Shape(
        window_samples=spec.window_samples(frames),
        patch_frames=frames,
        cost_s=cost_s,
        least_cost_s=cost_s if grid_of(card) is None else cost_s * LEAST_SHARE,
        outputs=output_shapes(card),
    )
