"""One task writes. What waits is written together, in waves: reads, then the steps of `plan.Change` in their order.

Milvus has no transactions. The order makes a crash harmless: a track is marked open before its vectors change and
closed after; until it is closed it claims only vectors that are there and fit. What was left open is put right at the
next opening (`repair.py`), and at the latest before the track is written again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import structlog

from sonotype.catalog.milvus.client import Client
from sonotype.catalog.milvus.entry import ENTRY_FIELDS, Clock, Entry, microseconds
from sonotype.catalog.milvus.generations import Registry
from sonotype.catalog.milvus.layout import tracks_name
from sonotype.catalog.milvus.meta import Meta
from sonotype.catalog.milvus.plan import Change, Operation, Put, State
from sonotype.catalog.milvus.repair import Repair
from sonotype.catalog.milvus.samples import Samples
from sonotype.core.errors import Code, SonotypeError

log = structlog.get_logger(__name__)
WAVE = 128
ABANDONED_S = 30.0
"""After so long an open track of another gateway was left behind."""


class _Waiting:
    """An operation and who waits for it."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def end(self, result: Any, error: BaseException | None = None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class Writer:
    """The task and its queue.

    Args:
        client: of the engine.
        meta: its values.
        registry: the generations.
        samples: told how many vectors were written.
    """

    def __init__(self, client: Client, meta: Meta, registry: Registry, samples: Samples) -> None:
        self._client = client
        self._meta = meta
        self._registry = registry
        self._samples = samples
        self._tracks = tracks_name(client)
        self._clock = Clock()
        self._repair = Repair(client, registry)
        self._unsure: set[str] = set()
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._closed = False
        self._task = asyncio.create_task(self._work(), name="milvus-writer")

    async def run(self, operation: Operation) -> Any:
        """Wait for an operation. One that has begun goes on when the caller leaves."""
        if self._closed:
            raise SonotypeError(Code.UNAVAILABLE, "The catalogue is closed.")
        one = _Waiting(operation)
        self._waiting.append(one)
        self._wake.set()
        return await one.future

    async def aclose(self) -> None:
        """Finish what is queued."""
        self._closed = True
        self._wake.set()
        await self._task

    async def _work(self) -> None:
        while self._waiting or not self._closed:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            wave = [self._waiting.popleft() for _ in range(min(WAVE, len(self._waiting)))]
            await self._attempt([one for one in wave if not one.future.done()])

    async def _attempt(self, wave: Sequence[_Waiting]) -> None:
        try:
            await self._write(wave)
        except SonotypeError as error:
            for one in wave:
                one.end(None, error)
        except Exception as error:  # background job: the wave fails, the writer lives
            log.exception("a wave of writes failed")
            for one in wave:
                one.end(None, error)

    async def _write(self, wave: Sequence[_Waiting]) -> None:
        state = await self._read([one.operation for one in wave])
        changes = list(self._decide(wave, state))
        self._unsure |= {change.track_id for _, change in changes if change.track_id is not None}
        await self._store([change for _, change in changes if change.track_id is not None])
        for one, change in changes:
            self._unsure.discard(change.track_id or "")
            one.end(change.result)

    async def _read(self, operations: Sequence[Operation]) -> State:
        """Everything that the operations must know; tracks that were left open are put right first."""
        values = await self._meta.get(key for one in operations for key in tuple(one.keys()))
        ids = {id_ for one in operations for id_ in one.ids()} | set(_ids_in(values.values()))
        entries = await self._entries(ids)
        for one in operations:
            if isinstance(one, Put) and (expression := one.lost(values, entries)):
                rows = await self._client.query(self._tracks, expression, ENTRY_FIELDS, WAVE)
                entries |= {str(row["id"]): Entry.read(row) for row in rows}
        if stuck := [one for one in entries.values() if self._is_stuck(one)]:
            await self._repair.entries(stuck)
            entries |= await self._entries(one.id for one in stuck)
        return State(entries, values, await self._registry.names())

    async def _entries(self, ids: Iterable[str]) -> dict[str, Entry]:
        rows = await self._client.fetch(self._tracks, ids, ENTRY_FIELDS)
        return {id_: Entry.read(row) for id_, row in rows.items()}

    def _is_stuck(self, entry: Entry) -> bool:
        age_s = time.time() - microseconds(entry.revision) / 1e6
        return entry.open and (self._client.address.embedded or entry.id in self._unsure or age_s > ABANDONED_S)

    def _decide(self, wave: Sequence[_Waiting], state: State) -> Iterable[tuple[_Waiting, Change]]:
        """The changes of a wave; an operation that needs the outcome of another one waits for the next wave."""
        touched: set[str] = set()
        later: list[_Waiting] = []
        for one in wave:
            mine = {*one.operation.keys(), *one.operation.ids()}
            mine |= set(_ids_in(state.values[key] for key in tuple(one.operation.keys()) if key in state.values))
            if mine & touched:
                later.append(one)
            else:
                try:
                    yield one, one.operation.decide(state, self._clock)
                except SonotypeError as error:
                    one.end(None, error)
            touched |= mine
        self._waiting.extendleft(reversed(later))

    async def _store(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        kept = await self._kept(changes)
        pending = [change.pending.row(open_=True) for change in changes if change.pending is not None]
        await asyncio.gather(
            self._meta.put([name for change in changes for name in change.names]),
            self._client.upsert(self._tracks, pending),
        )
        generations = await self._registry.names()
        await asyncio.gather(*(self._store_vectors(one, changes, kept.get(one, {})) for one in generations))
        await self._client.upsert(self._tracks, [change.final.row() for change in changes if change.final is not None])
        await self._client.delete(self._tracks, [str(one.track_id) for one in changes if one.final is None])
        await self._meta.put([value for change in changes for value in change.values])

    async def _kept(self, changes: Sequence[Change]) -> dict[str, dict[str, Any]]:
        """Vectors that stay, by collection and id; Milvus replaces rows whole, so they are written again."""
        ids: dict[str, list[str]] = {}
        for change in changes:
            for name in change.kept:
                ids.setdefault(name, []).append(str(change.track_id))
        rows = {name: await self._client.fetch(name, ids[name], ["vector"]) for name in ids}
        for change in changes:
            lost = {name for name in change.kept if change.track_id not in rows[name]}
            if lost and change.final is not None:
                change.final = change.final.holding(tuple(one for one in change.final.held if one not in lost))
        return {name: {id_: row["vector"] for id_, row in found.items()} for name, found in rows.items()}

    async def _store_vectors(self, collection: str, changes: Sequence[Change], kept: dict[str, Any]) -> None:
        rows = []
        for change in changes:
            if change.final is not None and collection in change.vectors:
                rows.append(change.final.vector_row(change.vectors[collection].tolist()))
            elif change.final is not None and collection in change.kept and change.track_id in kept:
                rows.append(change.final.vector_row(list(kept[change.track_id])))
        gone = [str(change.track_id) for change in changes if collection in change.dropped]
        await self._client.delete(collection, gone)
        await self._client.upsert(collection, rows)
        self._samples.written += len(rows)


def _ids_in(values: Iterable[Any]) -> Iterable[str]:
    """Tracks that values of the meta collection lead to."""
    return (value if isinstance(value, str) else str(value["id"]) for value in values)
