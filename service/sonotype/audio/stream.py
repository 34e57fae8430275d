"""One decode as its consumer sees it: chunks of samples, then the facts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

import numpy as np

from sonotype.audio import wire
from sonotype.audio.poison import Poison
from sonotype.audio.process import Child, ChildLostError, limit_of
from sonotype.audio.wire import Facts, Job
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import ClipInfo, Floats, Upload
from sonotype.telemetry import metrics


class PcmStream:
    """The samples of one upload while they are decoded. Iterate once; use it inside `DecoderPool.decode` only.

    Args:
        child: the child that works for it alone.
        job: the order.
        upload: what is decoded.
        deadline: time of the event loop after which waiting ends; None means never.
        poison: where bytes that crash a child are remembered.
    """

    def __init__(self, child: Child, job: Job, upload: Upload, deadline: float | None, poison: Poison) -> None:
        self.child = child
        self.finished = False
        self._job = job
        self._upload = upload
        self._deadline = deadline
        self._poison = poison
        self._samples = 0
        self._info: ClipInfo | None = None

    @property
    def info(self) -> ClipInfo:
        """What was decoded; only after the last chunk.

        Raises:
            RuntimeError: asked for too early.
        """
        if self._info is None:
            raise RuntimeError("the facts of a clip are known after its last chunk")
        return self._info

    async def begin(self, data: memoryview) -> None:
        """Send the order and the bytes.

        Raises:
            SonotypeError: UNDECODABLE if the child is lost, DEADLINE_EXCEEDED.
        """
        async with self._guard():
            await self.child.send(wire.order(self._job), data)

    def __aiter__(self) -> AsyncIterator[Floats]:
        return self

    async def __anext__(self) -> Floats:
        """The next chunk: mono float32, shape [n], at most 8 s.

        Raises:
            SonotypeError: what the child refused, AUDIO_TOO_LONG also if it sends more than it may, UNDECODABLE if it
                is lost, DEADLINE_EXCEEDED.
        """
        if self.finished:
            raise StopAsyncIteration
        async with self._guard():
            kind, payload = await self.child.receive()
            if kind == wire.SAMPLES:
                return self._count(np.frombuffer(payload, np.float32))
            self.finished = True
            if kind != wire.FINISHED:
                raise refusal(payload)
            self._info = _info(self._upload, self._job, payload)
        metrics.DECODED_AUDIO_S.inc(self._samples / self._job.rate_hz)
        raise StopAsyncIteration

    @asynccontextmanager
    async def _guard(self) -> AsyncIterator[None]:
        """Keep to the deadline, turn accidents into domain errors, count all failures."""
        try:
            try:
                async with asyncio.timeout_at(self._deadline):
                    yield
            except TimeoutError:
                metrics.DECODE_KILLED.labels("wall").inc()
                await self.child.end()
                raise SonotypeError(Code.DEADLINE_EXCEEDED, "Decoding did not end in time.") from None
            except ChildLostError:
                raise await self._lost() from None
        except SonotypeError as error:
            metrics.DECODE_FAILURES.labels(error.code.value).inc()
            raise

    async def _lost(self) -> SonotypeError:
        """The child died at this job: learn why, and remember the bytes if they crashed it."""
        limit = limit_of(await self.child.end())
        metrics.DECODE_KILLED.labels(limit).inc()
        if limit in ("crash", "cpu"):
            self._poison.add(self._upload.sha256)
        return SonotypeError(Code.UNDECODABLE, "The audio data cannot be decoded within the limits.")

    def _count(self, samples: Floats) -> Floats:
        """Count what arrives, so that a child that has been taken over cannot flood its parent."""
        self._samples += len(samples)
        if self._samples > (self._job.max_clip_s + 1) * self._job.rate_hz:
            metrics.DECODE_KILLED.labels("bytes").inc()
            raise SonotypeError(Code.AUDIO_TOO_LONG, f"The audio is longer than {self._job.max_clip_s:g} s.")
        return samples


def _info(upload: Upload, job: Job, payload: bytearray) -> ClipInfo:
    """Join what the child saw with what is known here."""
    try:
        facts = Facts(**json.loads(payload))
    except (ValueError, TypeError) as broken:
        raise ChildLostError from broken
    return ClipInfo(sha256=upload.sha256, format=job.format, **asdict(facts))


def refusal(payload: bytearray) -> SonotypeError:
    """The error that a child reports; a record that is none counts as a lost child."""
    try:
        content = json.loads(payload)
        error = SonotypeError(Code(content["code"]), content["detail"])
        limit = content["limit"]
    except (ValueError, KeyError, TypeError) as broken:
        raise ChildLostError from broken
    if limit == "memory":
        metrics.DECODE_KILLED.labels("memory").inc()
    return error
