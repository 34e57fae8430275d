"""Counts requests that were refused before any work, by the reasons an operator acts on."""

from __future__ import annotations

from sonotype.core.errors import Code
from sonotype.telemetry import metrics

_REASONS = {
    Code.OVERLOADED: "queue_full",
    Code.DEADLINE_EXCEEDED: "deadline",
    Code.RATE_LIMITED: "rate",
    Code.UPLOAD_TOO_LARGE: "too_large",
    Code.AUDIO_TOO_LONG: "too_long",
    Code.UNSUPPORTED_FORMAT: "unsupported",
    Code.DRAINING: "draining",
}


def count_refusal(code: Code) -> None:
    """Count `code` where it is a refusal."""
    reason = _REASONS.get(code)
    if reason is not None:
        metrics.REJECTED.labels(reason).inc()
