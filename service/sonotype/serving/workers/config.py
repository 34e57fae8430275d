"""What all workers of a pool share, and the first message that tells a child about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sonotype.serving.devices import Device
from sonotype.serving.workers.served import ServedModel, Shape, rows_within
from sonotype.serving.workers.slab import Geometry
from sonotype.serving.workers.wire import Message


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What all workers of a pool share.

    Attributes:
        models: what is served.
        shapes: shape by (model address, front end).
        loader: `module:function` with the signature of `models.runtime.load`.
        batch_timeout_s: a batch that runs longer is a hang.
        start_timeout_s: loading and warm-up that take longer are a hang.
        environment: additions to the process environment.
        measured: file of what was measured of engines, if there is one.
    """

    models: Sequence[ServedModel]
    shapes: Mapping[tuple[str, str], Shape]
    loader: str
    batch_timeout_s: float
    start_timeout_s: float
    environment: Mapping[str, str]
    measured: Path | None = None

    def warm_rows(self, max_rows: int, budget_s: float) -> dict[str, int]:
        """Largest batch by model address, for the warm-up."""
        rows: dict[str, int] = {}
        for (address, _), shape in self.shapes.items():
            rows[address] = min(rows.get(address, max_rows), rows_within(shape.cost_s, max_rows, budget_s))
        return rows


def hello(config: WorkerConfig, device: Device, geometry: Geometry, warm_rows: Mapping[str, int]) -> Message:
    """The message with which a child's life begins."""
    return {
        "geometry": asdict(geometry),
        "loader": config.loader,
        "device": device.name,
        "threads": 1,
        "rows": dict(warm_rows),
        "measured": str(config.measured) if config.measured else None,
        "models": [
            {
                "card": model.card.model_dump(mode="json"),
                "weights": str(model.weights) if model.weights else None,
                "precision": model.precision,
                "engine": model.engine,
            }
            for model in config.models
        ],
    }
