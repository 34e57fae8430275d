"""Clients that stream in real time and note when the last sample of each patch went out and its answer came in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import connect

from sonotype.api.grpc.gen import live_pb2 as pb
from sonotype.api.grpc.gen.live_pb2_grpc import LiveStub
from sonotype.models.card import Card
from sonotype.models.patches import Patcher

RATE_HZ = 16000
CHUNK = 320  # 20 ms


def last_samples(card: Card, hop_s: float, n_samples: int) -> list[int]:
    """How many samples must have come before each patch can be computed, for chunks of `CHUNK`."""
    spec = card.frontends[card.default_frontend]
    hop = round(hop_s * spec.sample_rate_hz / spec.hop_length)
    patcher = Patcher(spec, card.patch.model_copy(update={"hop_frames": hop, "tail": "drop"}))
    needed = []
    for start in range(0, n_samples - CHUNK + 1, CHUNK):
        windows = patcher.feed(np.zeros(CHUNK, np.float32))
        needed += [start + CHUNK] * len(windows)
    return needed


class Clock:
    """Paces the chunks of a session in real time."""

    def __init__(self, audio: NDArray[np.int16]) -> None:
        self._audio = audio
        self.sent: dict[int, float] = {}

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield 20 ms every 20 ms; `sent` holds when the samples up to a place went out."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for end in range(CHUNK, len(self._audio) + 1, CHUNK):
            await asyncio.sleep(max(0.0, began + end / RATE_HZ - loop.time()))
            self.sent[end] = loop.time()
            yield self._audio[end - CHUNK : end].tobytes()


async def by_websocket(port: int, hop_s: float, clock: Clock) -> list[float]:
    """Times at which the answers came."""
    arrived = []
    async with connect(f"ws://127.0.0.1:{port}/v1/listen", compression=None) as socket:
        options = {"format": "pcm_s16le", "sample_rate_hz": RATE_HZ, "hop_s": hop_s}
        await socket.send(json.dumps(options))
        await socket.recv()

        async def send() -> None:
            async for chunk in clock.chunks():
                await socket.send(chunk)
            await socket.send('{"end": true}')

        sending = asyncio.create_task(send())
        async for message in socket:
            if b"time_s" in (message if isinstance(message, bytes) else message.encode()):
                arrived.append(asyncio.get_running_loop().time())
        await sending
    return arrived


async def by_grpc(port: int, hop_s: float, clock: Clock) -> list[float]:
    """The same over gRPC."""

    async def requests() -> AsyncIterator[pb.ListenRequest]:
        fields: dict[str, Any] = {"format": pb.STREAM_FORMAT_PCM_S16LE, "sample_rate_hz": RATE_HZ, "hop_s": hop_s}
        yield pb.ListenRequest(options=pb.ListenOptions(**fields))
        async for chunk in clock.chunks():
            yield pb.ListenRequest(chunk=chunk)

    arrived = []
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        async for answer in LiveStub(channel).Listen(requests()):
            if answer.HasField("tags"):
                arrived.append(asyncio.get_running_loop().time())
    return arrived


def latencies_ms(needed: list[int], clock: Clock, arrived: list[float]) -> list[float]:
    """From the last sample of each patch to its answer; those that the end of the audio completed are left out."""
    pairs = zip(needed, arrived, strict=False)
    return [1000 * (came - clock.sent[end]) for end, came in pairs]
