"""How fast audio is being served: measured while there is enough to do, because an idle machine measures nothing."""

from __future__ import annotations

import math

_TIME_CONSTANT_S = 20.0
_WINDOW_S = 0.5


class ServiceRate:
    """Seconds of audio completed per second, averaged exponentially over saturated time.

    Until the first measurement it is the seed, which comes from the workers' warm-up.

    Args:
        seed: first estimate; 0 means unknown.
    """

    def __init__(self, seed: float = 0.0) -> None:
        self._rate = max(0.0, seed)
        self._since: float | None = None
        self._done_s = 0.0

    @property
    def per_s(self) -> float:
        """Present estimate; 0 while unknown."""
        return self._rate

    def seed(self, rate: float) -> None:
        """Take an estimate from elsewhere, unless there is one already."""
        if self._rate == 0:
            self._rate = max(0.0, rate)

    def scale(self, factor: float) -> None:
        """The number of workers changed by `factor`."""
        self._rate *= factor

    def observe(self, now: float, done_s: float, *, saturated: bool) -> None:
        """Something ended at `now` after `done_s` seconds of audio; `saturated`: there is more than enough to do.

        Time that was not saturated is left out: it says what was asked for, not what could be done.
        """
        if self._since is not None:
            self._done_s += done_s
            self._update(now, force=not saturated)
        if not saturated:
            self._since = None
        elif self._since is None:
            self._since, self._done_s = now, 0.0

    def _update(self, now: float, *, force: bool) -> None:
        assert self._since is not None  # noqa: S101 - checked by the caller
        elapsed_s = now - self._since
        if elapsed_s < _WINDOW_S and not force:
            return
        if elapsed_s > 0 and self._done_s > 0:
            weight = 1 - math.exp(-elapsed_s / _TIME_CONSTANT_S) if self._rate else 1.0
            self._rate += weight * (self._done_s / elapsed_s - self._rate)
        self._since, self._done_s = now, 0.0
