"""A circuit breaker: after some failures in a row, leave the store alone for a while, then probe with one call."""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """Decides whether a call may be tried; holds no lock and starts no timer.

    While open, one call per `open_s` is let through as a probe. A probe that never reports back (its caller left)
    is therefore replaced by the next one without further bookkeeping.

    Args:
        failures: failures in a row that open the breaker.
        open_s: seconds between probes while it is open.
        clock: seconds, monotonic.
    """

    def __init__(self, failures: int = 5, open_s: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._threshold = failures
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._probe_at = 0.0

    @property
    def is_open(self) -> bool:
        """Calls are being refused, except for probes."""
        return self._failures >= self._threshold

    def allow(self) -> bool:
        """Whether to try now; an answer of True while open makes the caller the probe."""
        if not self.is_open:
            return True
        now = self._clock()
        if now < self._probe_at:
            return False
        self._probe_at = now + self._open_s
        return True

    def success(self) -> None:
        """A call went well: close."""
        self._failures = 0

    def failure(self) -> None:
        """A call failed: count it, and open at the threshold."""
        self._failures = min(self._failures + 1, self._threshold)
        if self.is_open:
            self._probe_at = self._clock() + self._open_s
