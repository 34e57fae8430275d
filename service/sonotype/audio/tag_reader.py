"""The tags of untrusted files, read in a child process with limits, like their sound."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from sonotype.audio import wire
from sonotype.audio.process import Child, ChildLostError, Program, decoder_program

_CPU_S, _WALL_S = 5, 15.0
_MEMORY_BYTES = 1 << 30
_FILES_PER_CHILD = 1000


class TagReader:
    """Reads the tags of one file after the other; its child starts with the first and is replaced when it dies."""

    def __init__(self) -> None:
        bare = decoder_program(_MEMORY_BYTES)
        self._program = Program("sonotype.audio.tag_child", bare.arguments, bare.environment, bare.flags)
        self._child: Child | None = None
        self._turn = asyncio.Lock()

    async def read(self, data: bytes) -> Mapping[str, Any] | None:
        """Fields as `tag_fields.read_fields` names them; None where the tags cannot be read."""
        async with self._turn:
            try:
                async with asyncio.timeout(_WALL_S):
                    return await self._read(data)
            except (ChildLostError, OSError, TimeoutError):
                await self._drop()
                return None
            except BaseException:  # cancelled in the middle of a conversation: the child would go on with it
                await self._drop()
                raise

    async def aclose(self) -> None:
        """End the child."""
        async with self._turn:
            await self._drop()

    async def _read(self, data: bytes) -> Mapping[str, Any] | None:
        child = await self._up()
        child.jobs += 1
        await child.send(wire.order({"size": len(data), "cpu_s": _CPU_S}), data)
        kind, payload = await child.receive()
        if kind != wire.FINISHED:
            return None
        try:
            fields = json.loads(payload)
        except ValueError as broken:
            raise ChildLostError from broken
        return fields if isinstance(fields, dict) else None

    async def _up(self) -> Child:
        if self._child is not None and (not self._child.usable or self._child.jobs >= _FILES_PER_CHILD):
            await self._drop()
        if self._child is None:
            self._child = await Child.start(self._program)
        return self._child

    async def _drop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.end()
