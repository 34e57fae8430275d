"""Sending audio: a header, then the bytes."""

from __future__ import annotations

import asyncio
from typing import Any

from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.core.errors import Code, SonotypeError

CHUNK_BYTES = 64 * 1024


class AudioSender:
    """Writes the messages of one answer; to write, and not to yield, lets a cancelled call end where it stands.

    Args:
        context: gRPC's own object.
        stall_s: a client that takes no message for so long is let go.
    """

    def __init__(self, context: Any, stall_s: float) -> None:
        self._context = context
        self._stall_s = stall_s

    async def header(self, header: pb.AudioHeader) -> None:
        """Send the first message."""
        await self._write(pb.AudioChunk(header=header))

    async def data(self, data: bytes) -> None:
        """Send bytes, in messages of a moderate size."""
        for start in range(0, len(data), CHUNK_BYTES):
            await self._write(pb.AudioChunk(data=data[start : start + CHUNK_BYTES]))

    async def _write(self, message: pb.AudioChunk) -> None:
        try:
            async with asyncio.timeout(self._stall_s):
                await self._context.write(message)
        except TimeoutError:
            raise SonotypeError(Code.CANCELLED, f"The client took no bytes for {self._stall_s:g} s.") from None
