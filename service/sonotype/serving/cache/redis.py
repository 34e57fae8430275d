"""The shared store in Redis. A lost, silent, read-only or foreign Redis costs milliseconds and no answers."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sonotype.serving.cache.breaker import Breaker
from sonotype.serving.cache.guard import Budget, Guard, Unavailable
from sonotype.serving.cache.store import count_lookup

if TYPE_CHECKING:
    from collections.abc import Awaitable

_SOCKET_S = 0.2
_SLOTS = 16  # operations of one kind at a time
_CONNECTIONS = 4 * _SLOTS
# Deletes the lock only while it is still ours: it may have expired and been taken by somebody else.
_UNLOCK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class RedisStore:
    """Values under `prefix + key`, locks under `prefix + lock: + key`.

    Args:
        url: `redis://`, `rediss://` or `unix://`, credentials included; never logged.
        prefix: sets the service's keys apart from others in the same database.
        breaker: opened by failures of any operation.
        budget: seconds per operation, connecting included.

    Raises:
        ValueError: the URL has another scheme.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "sonotype:",
        breaker: Breaker | None = None,
        budget: Budget = Budget(),  # noqa: B008 - frozen
    ) -> None:
        # redis-py would wait 5 s and retry 10 times by default: 4 s on a refused connection, 12 s on silence.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=_SOCKET_S,
            socket_timeout=_SOCKET_S,
            socket_connect_timeout=_SOCKET_S,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._client: Redis = Redis.from_pool(pool)
        self._prefix = prefix
        self._budget = budget
        self._owner = uuid.uuid4().hex
        # ValueError: a reply that is no value; RuntimeError: uvloop's word for a transport closed beneath a write
        self._guard = Guard("redis", breaker or Breaker(), (RedisError, ValueError, RuntimeError), slots=_SLOTS)

    async def get(self, key: str) -> bytes | None:
        """The value under `key`; whatever goes wrong is a miss."""
        reply = await self._guard.run("get", self._budget.get_s, lambda: self._get(self._prefix + key))
        if isinstance(reply, Unavailable):
            count_lookup("redis", reply)
            return None
        count_lookup("redis", "miss" if reply is None else "hit")
        return reply

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep `value`; whatever goes wrong loses it."""
        life_ms = max(1, int(ttl_s * 1000))
        name = self._prefix + key
        await self._guard.run("put", self._budget.put_s, lambda: self._client.set(name, value, px=life_ms))

    async def try_lock(self, key: str, ttl_s: float) -> bool:
        """`SET NX PX`; granted also when Redis does not answer."""
        name, life_ms = self._lock_name(key), max(1, int(ttl_s * 1000))
        reply = await self._guard.run(
            "lock", self._budget.lock_s, lambda: self._client.set(name, self._owner, px=life_ms, nx=True)
        )
        return isinstance(reply, Unavailable) or bool(reply)

    async def unlock(self, key: str) -> None:
        """Delete the lock if it is still ours; otherwise it expires by itself."""
        name = self._lock_name(key)
        await self._guard.run("unlock", self._budget.put_s, lambda: self._eval(name))

    async def ping(self) -> bool:
        """Whether Redis answers, asked through the breaker like everything else."""
        reply = await self._guard.run("ping", self._budget.ping_s, self._client.ping)
        return not isinstance(reply, Unavailable)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose(close_connection_pool=True)

    def _lock_name(self, key: str) -> str:
        return f"{self._prefix}lock:{key}"

    async def _get(self, name: str) -> bytes | None:
        reply = await self._client.get(name)
        if reply is not None and not isinstance(reply, bytes):
            raise ValueError("the reply is not a string")
        return reply

    def _eval(self, name: str) -> Awaitable[object]:
        return self._client.eval(_UNLOCK, 1, name, self._owner)
