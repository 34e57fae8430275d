"""All workers of this gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sonotype.core.errors import SonotypeError
from sonotype.serving.devices import Device
from sonotype.serving.workers.config import WorkerConfig
from sonotype.serving.workers.served import ServedModel, Shape, budget_for, shapes_of
from sonotype.serving.workers.supervisor import Worker

_MOST_ROWS = 256


class WorkerPool:
    """Keeps one worker process per device alive.

    Args:
        models: what to serve, each with its weights.
        devices: one entry per worker.
        batch_audio_s: cost budget of a batch; 0 lets the device decide.
        batch_timeout_s: a batch that runs longer is a hang and costs the worker its life.
        start_timeout_s: longest loading and warm-up.
        loader: `module:function` that loads a model in the child.
        environment: additions to the children's environment.
        measured: file of what was measured of engines, which the children read and add to.
    """

    def __init__(
        self,
        models: Sequence[ServedModel],
        devices: Sequence[Device],
        *,
        batch_audio_s: float = 0.0,
        batch_timeout_s: float = 30.0,
        start_timeout_s: float = 300.0,
        loader: str = "sonotype.models.runtime:load",
        environment: Mapping[str, str] | None = None,
        measured: Path | None = None,
    ) -> None:
        if not models or not devices:
            raise ValueError("a pool needs a model and a device")
        self.models = tuple(models)
        self.shapes: dict[tuple[str, str], Shape] = shapes_of(models)
        self.on_change: Callable[[], None] = lambda: None
        config = WorkerConfig(
            models, self.shapes, loader, batch_timeout_s, start_timeout_s, dict(environment or {}), measured
        )
        shapes = list(self.shapes.values())
        self.workers = [
            Worker(
                index,
                device,
                max_rows=_MOST_ROWS if batch_audio_s else device.rows,
                budget_s=budget_for(shapes, device.rows, batch_audio_s),
                config=config,
                on_change=self._changed,
            )
            for index, device in enumerate(devices)
        ]

    @property
    def up(self) -> int:
        """Workers that are loaded and answering."""
        return sum(worker.up for worker in self.workers)

    @property
    def bulk_running(self) -> int:
        """Workers that hold a bulk batch."""
        return sum(worker.runs_bulk for worker in self.workers)

    @property
    def problem(self) -> SonotypeError | None:
        """Why a worker did not start, if one did not."""
        return next((worker.problem for worker in self.workers if worker.problem), None)

    def rate(self) -> float:
        """Seconds of audio per second of all workers that are up, by their warm-up with the slowest model."""
        return sum(min(worker.rates.values(), default=0.0) for worker in self.workers if worker.up)

    def precision(self, model: str) -> str | None:
        """Arithmetic in which a model (address) is computed; None until a worker is up."""
        return next((w.precisions[model] for w in self.workers if model in w.precisions), None)

    def start(self) -> None:
        """Start every worker and return at once; `on_change` is called when one is up."""
        for worker in self.workers:
            worker.start()

    def set_in_service(self, value: bool) -> None:
        """Whether these are the workers that Prometheus is told of; where two pools overlap, one of them is."""
        for worker in self.workers:
            worker.in_service = value
            worker.tell()

    async def stop(self) -> None:
        """End every worker, also one that is still loading."""
        await asyncio.gather(*(worker.stop() for worker in self.workers))

    def _changed(self) -> None:
        self.on_change()
