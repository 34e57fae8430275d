"""Admission: every request needs a permit, counted in seconds of audio; what cannot be served is refused at once."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sonotype.core.errors import Code, SonotypeError, draining
from sonotype.core.types import Lane
from sonotype.serving.quota import AudioQuota
from sonotype.serving.rate import ServiceRate
from sonotype.telemetry import metrics

_JITTER = 0.2
_ANONYMOUS = ""
_UNKNOWN_RETRY_S = 1.0


class Permit:
    """The right to use `cost_s` seconds of audio's worth of the machine; a context manager, given back once."""

    def __init__(self, admission: Admission, cost_s: float, lane: Lane, client: str) -> None:
        self._admission = admission
        self._released = False
        self.cost_s = cost_s
        self.served_s: float | None = None
        self.lane = lane
        self.client = client

    def correct(self, actual_s: float) -> None:
        """Decoding has counted `actual_s` seconds so far; the permit grows when that exceeds the estimate.

        Raises:
            SonotypeError: AUDIO_TOO_LONG when the clip alone exceeds the whole budget.
        """
        self.served_s = actual_s
        if not self._released and actual_s > self.cost_s:
            self._admission._grow(self, actual_s)

    def release(self) -> None:
        """Give the permit back; further calls do nothing."""
        if not self._released:
            self._released = True
            self._admission._release(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.served_s = 0.0  # a failure says nothing about how fast audio is served
        self.release()


class Admission:
    """Bounded work in seconds of audio.

    Args:
        max_audio_s: audio admitted at once.
        key_audio_s_per_minute: quota per client; 0 means none.
        rate: how fast audio is served; seeded from the workers' warm-up.
        saturated_at: permits held at once that keep the whole machine busy.
        clock: seconds; deadlines are on this clock.
        jitter: returns a number in -1…1 that spreads `Retry-After`.
    """

    def __init__(
        self,
        max_audio_s: float,
        *,
        key_audio_s_per_minute: float = 0.0,
        rate: ServiceRate | None = None,
        saturated_at: int = 4,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self._max_audio_s = max_audio_s
        self._quota = AudioQuota(key_audio_s_per_minute)
        self.rate = rate or ServiceRate()
        self._saturated_at = saturated_at
        self._clock = clock
        self._jitter = jitter or _uniform
        self._audio_s = dict.fromkeys(Lane, 0.0)
        self._permits = 0
        self.draining = False

    @property
    def audio_s(self) -> float:
        """Seconds of audio that hold a permit."""
        return sum(self._audio_s.values())

    @property
    def permits(self) -> int:
        """Permits held."""
        return self._permits

    def admit(self, cost_s: float, lane: Lane, deadline: float, client: str | None = None) -> Permit:
        """Admit `cost_s` seconds of audio or refuse; never waits.

        Args:
            cost_s: estimated seconds of audio for the network, over all models asked for.
            lane: interactive work does not wait for bulk work.
            deadline: on the injected clock.
            client: whose quota it is; None has no quota.

        Raises:
            SonotypeError: DRAINING, AUDIO_TOO_LONG, DEADLINE_EXCEEDED, RATE_LIMITED or OVERLOADED.
        """
        now = self._clock()
        if self.draining:
            raise draining(self._retry_after_s())
        self._check_size(cost_s)
        if deadline <= now:
            raise SonotypeError(Code.DEADLINE_EXCEEDED, "The deadline passed before the work began.")
        self._check_quota(cost_s, client, now)
        self._check_load(cost_s, lane, deadline - now)
        if client is not None:
            self._quota.take(client, cost_s, now)
        self._permits += 1
        self._add(lane, cost_s)
        self.rate.observe(now, 0.0, saturated=self._permits >= self._saturated_at)
        return Permit(self, cost_s, lane, client or _ANONYMOUS)

    def charge(self, cost_s: float, client: str | None) -> None:
        """Count `cost_s` seconds of audio that need no permit against the quota of a client; None has no quota.

        Raises:
            SonotypeError: RATE_LIMITED.
        """
        now = self._clock()
        self._check_quota(cost_s, client, now)
        if client is not None:
            self._quota.take(client, cost_s, now)

    def refund(self, cost_s: float, client: str | None) -> None:
        """Give back what `charge` took for audio that was never made."""
        if client is not None:
            self._quota.take(client, -cost_s, self._clock())

    def _check_size(self, cost_s: float) -> None:
        if cost_s > self._max_audio_s:
            raise SonotypeError(
                Code.AUDIO_TOO_LONG,
                f"This request needs {cost_s:.0f} s of audio; at most {self._max_audio_s:.0f} s are taken at once.",
            )

    def _check_quota(self, cost_s: float, client: str | None, now: float) -> None:
        if client is None:
            return
        wait_s = self._quota.missing_s(client, cost_s, now)
        if math.isinf(wait_s):
            quota_s = self._quota.per_minute_s
            detail = (
                f"This request needs {cost_s:.0f} s of audio, more than the quota of {quota_s:.0f} s per minute holds."
            )
            raise SonotypeError(Code.RATE_LIMITED, detail + " A retry will not help.")
        if wait_s > 0:
            detail = f"The quota of {self._quota.per_minute_s:.0f} s of audio per minute is used up."
            raise SonotypeError(Code.RATE_LIMITED, detail, retry_after_s=self._rounded(wait_s, up_only=True))

    def _check_load(self, cost_s: float, lane: Lane, left_s: float) -> None:
        if self.audio_s + cost_s > self._max_audio_s:
            raise SonotypeError(Code.OVERLOADED, "The service is at capacity.", retry_after_s=self._retry_after_s())
        ahead_s = self._audio_s[Lane.INTERACTIVE] if lane is Lane.INTERACTIVE else self.audio_s
        if self.rate.per_s > 0 and ahead_s / self.rate.per_s > left_s:
            detail = "The work that waits cannot be done before the deadline of this request."
            raise SonotypeError(Code.OVERLOADED, detail, retry_after_s=self._retry_after_s())

    def _retry_after_s(self) -> float:
        """Seconds until what is admitted now will have been served, ± 20 %."""
        return self._rounded(self.audio_s / self.rate.per_s if self.rate.per_s > 0 else _UNKNOWN_RETRY_S)

    def _rounded(self, wait_s: float, *, up_only: bool = False) -> float:
        spread = abs(self._jitter()) if up_only else self._jitter()
        return float(max(1, math.ceil(wait_s * (1 + _JITTER * spread))))

    def _grow(self, permit: Permit, actual_s: float) -> None:
        self._check_size(actual_s)
        more_s = actual_s - permit.cost_s
        permit.cost_s = actual_s
        self._add(permit.lane, more_s)
        if permit.client:
            self._quota.take(permit.client, more_s, self._clock())

    def _release(self, permit: Permit) -> None:
        now = self._clock()
        served_s = permit.cost_s if permit.served_s is None else permit.served_s
        if permit.client and permit.served_s:
            self._quota.take(permit.client, permit.served_s - permit.cost_s, now)
        self._permits -= 1
        self._add(permit.lane, -permit.cost_s)
        self.rate.observe(now, served_s, saturated=self._permits + 1 >= self._saturated_at)

    def _add(self, lane: Lane, audio_s: float) -> None:
        self._audio_s[lane] = max(0.0, self._audio_s[lane] + audio_s)
        if self._permits == 0:  # exactly zero: float residue must not build up over millions of permits
            self._audio_s = dict.fromkeys(Lane, 0.0)
        metrics.ADMITTED_AUDIO_S.set(self.audio_s)


def _uniform() -> float:
    return random.uniform(-1.0, 1.0)  # noqa: S311 - spreads retries, protects nothing
