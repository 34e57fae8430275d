"""One live session on any face: audio in and answers out at the same time, until one side has had enough."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.live.port import LiveAnswer, LiveScores, LiveSession
from sonotype.plane.live.query import ListenQuery
from sonotype.plane.port import pick_tags


class LeftError(Exception):
    """The client is gone."""


@dataclass(frozen=True, slots=True)
class LiveTag:
    """A tag as it is shown."""

    label: str
    score: float
    raw: float


def shown_tags(scores: LiveScores, query: ListenQuery) -> list[LiveTag]:
    """The tags of one model, best smoothed score first; of a regression all, in the order of its labels."""
    asked, labels = query.analysis, scores.model.labels
    raw = dict(zip(labels, scores.raw.tolist(), strict=True))
    picked = pick_tags(labels, scores.scores.tolist(), asked.top_k, asked.threshold, scores.model.task)
    return [LiveTag(label, score, raw[label]) for label, score in picked]


async def converse(
    session: LiveSession,
    chunks: AsyncIterator[bytes],
    send: Callable[[LiveAnswer], Awaitable[None]],
    *,
    stall_s: float,
    left: asyncio.Event | None = None,
) -> None:
    """Feed a session and send its answers until all is answered.

    Args:
        session: the plane's.
        chunks: what the client sends; its end is the end of the audio.
        send: waits while the client does not read.
        stall_s: a client that does not read for so long is given up.
        left: set when the client is gone.

    Raises:
        LeftError: the client is gone.
        SonotypeError: why the session ended early.
    """
    reader = asyncio.create_task(_feed(session, chunks), name="live-reader")
    writer = asyncio.create_task(_tell(session, send, stall_s), name="live-writer")
    leaving = asyncio.create_task((left or asyncio.Event()).wait(), name="live-leaving")
    tasks: set[asyncio.Task[object]] = {reader, writer, leaving}
    try:
        while not writer.done():
            await asyncio.wait({task for task in tasks if not task.done()}, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                raise LeftError
            if reader.done() and not writer.done():
                reader.result()
        writer.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _feed(session: LiveSession, chunks: AsyncIterator[bytes]) -> None:
    async for chunk in chunks:
        await session.feed(chunk)
    await session.end()


async def _tell(session: LiveSession, send: Callable[[LiveAnswer], Awaitable[None]], stall_s: float) -> None:
    async for answer in session.answers():
        try:
            async with asyncio.timeout(stall_s):
                await send(answer)
        except TimeoutError:
            raise SonotypeError(Code.UPLOAD_TIMEOUT, f"No answer was read for {stall_s:g} s.") from None
