"""What the batcher tells Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

from sonotype.core.types import Lane, Window
from sonotype.serving.queues import Batch, Queues
from sonotype.telemetry import metrics


class Gauges:
    """Batches as they leave, queues as they stand.

    Args:
        models: addresses of the served models; they bound the label.
    """

    def __init__(self, models: Sequence[str]) -> None:
        self._models = models
        self.in_service = True

    def batch(self, batch: Batch, patch_frames: int, windows: Sequence[Window]) -> None:
        """Record one batch: size, frames, padding, why it was closed."""
        model, rows = batch.key.model, len(windows)
        # a short clip that runs at its own length has nothing beside it
        valid = sum(patch_frames if w.fill == "native" else min(w.valid_frames, patch_frames) for w in windows)
        metrics.BATCH_ITEMS.labels(model).observe(rows)
        metrics.BATCH_FRAMES.labels(model).observe(rows * patch_frames)
        metrics.BATCH_PADDING.labels(model).observe(1 - valid / (rows * patch_frames))
        metrics.BATCH_CLOSE.labels(model, batch.why).inc()

    def queues(self, queues: Queues, now: float) -> None:
        """Set depth, seconds of audio and age of what waits."""
        for model in self._models if self.in_service else ():
            oldest_s = 0.0
            for lane in Lane:
                entries = [e for s in queues.sources() if _is(s.key.model, s.lane, model, lane) for e in s.waiting]
                metrics.QUEUE_DEPTH.labels(model, lane).set(len(entries))
                metrics.QUEUE_AUDIO_S.labels(model, lane).set(sum(entry.cost_s for entry in entries))
                oldest_s = max([oldest_s, *(now - entry.arrived for entry in entries)])
            metrics.QUEUE_OLDEST_S.labels(model).set(oldest_s)

    def clear(self) -> None:
        """Forget the queues: another batcher tells of its own."""
        for model in self._models:
            for lane in Lane:
                metrics.QUEUE_DEPTH.labels(model, lane).set(0)
                metrics.QUEUE_AUDIO_S.labels(model, lane).set(0)
            metrics.QUEUE_OLDEST_S.labels(model).set(0)


def _is(model: str, lane: Lane, wanted_model: str, wanted_lane: Lane) -> bool:
    return model == wanted_model and lane is wanted_lane
