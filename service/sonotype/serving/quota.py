"""A quota of audio per API key: a bucket of seconds that refills by the minute."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_MOST_CLIENTS = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class AudioQuota:
    """Token buckets by client.

    Args:
        per_minute_s: capacity of a bucket, and seconds of audio that flow in per minute; 0 means no quota.
    """

    def __init__(self, per_minute_s: float) -> None:
        self.per_minute_s = per_minute_s
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def missing_s(self, client: str, cost_s: float, now: float) -> float:
        """Wall seconds until `cost_s` would be there; 0 if it is there now, infinite if it never fits."""
        if self.per_minute_s <= 0:
            return 0.0
        if cost_s > self.per_minute_s:
            return float("inf")
        return max(0.0, cost_s - self._bucket(client, now).tokens) / self.per_minute_s * 60

    def take(self, client: str, cost_s: float, now: float) -> None:
        """Take tokens; the bucket may become negative when a clip proves longer than estimated."""
        if self.per_minute_s > 0:
            bucket = self._bucket(client, now)
            bucket.tokens = min(self.per_minute_s, bucket.tokens - cost_s)

    def _bucket(self, client: str, now: float) -> _Bucket:
        bucket = self._buckets.setdefault(client, _Bucket(self.per_minute_s, now))
        self._buckets.move_to_end(client)
        bucket.tokens = min(self.per_minute_s, bucket.tokens + (now - bucket.at) * self.per_minute_s / 60)
        bucket.at = now
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return bucket
