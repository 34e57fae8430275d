"""One call: who makes it, under which id, until when; and how it is counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog

from sonotype.api.identity import api_key
from sonotype.plane.port import Plane
from sonotype.telemetry import metrics
from sonotype.telemetry.requests import request_id

log = structlog.get_logger("sonotype.grpc")
T = TypeVar("T")


class Call:
    """Reads what a call says about itself.

    Args:
        method: the short name of the method, for metrics.
        context: gRPC's own object.
    """

    def __init__(self, method: str, context: Any) -> None:
        pairs = context.invocation_metadata() or ()
        # binary values have names that end in -bin; none of ours does
        self._fields = {name: value for name, value in pairs if isinstance(value, str)}
        self.method = method
        self.context = context
        self.request_id = request_id(self._fields.get("x-request-id"))
        self.code = "CANCELLED"

    def client(self, plane: Plane) -> str | None:
        """Client id of the caller; `None` where the service is open. Raises `unauthenticated`."""
        return plane.authenticate(api_key(self._fields))

    def timeout_s(self, wish: float | None) -> float | None:
        """The sooner of the call's own deadline and the one in its options."""
        remaining: float | None = self.context.time_remaining()
        return min((value for value in (remaining, wish) if value is not None), default=None)

    def done(self, answer: T) -> T:
        """Mark the call as answered and pass its answer on."""
        self.code = "OK"
        self.context.set_trailing_metadata((("x-request-id", self.request_id),))
        return answer

    @contextmanager
    def accounted(self) -> Iterator[None]:
        """Count, time and log the call; a call that ends without a code was cancelled."""
        gauge = metrics.REQUESTS_IN_FLIGHT.labels(f"grpc {self.method}")
        started_s = time.perf_counter()
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()
            seconds = time.perf_counter() - started_s
            metrics.GRPC_REQUESTS.labels(self.method, self.code).inc()
            metrics.REQUEST_SECONDS.labels(f"grpc {self.method}").observe(seconds)
            log.info("call", method=self.method, code=self.code, seconds=round(seconds, 4))
