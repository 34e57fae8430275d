"""An answer that is sent while it is generated."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sonotype.api.http.leave import unless_client_leaves
from sonotype.api.refusals import count_refusal
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.sonification import Sonified

log = structlog.get_logger("sonotype.http")


class StreamedAudio(Response):
    """Runs a sonification and sends it; whatever ends the answer leaves the plane's context.

    Errors before the first byte are raised, and so become problems. After it there is no way back: the connection is
    closed with the answer incomplete, which every client notices, for the length or the last chunk is missing.

    Args:
        request: whose body has been read to its end.
        running: the plane's context.
        headers_of: what the answer says of the sonification.
        stall_s: a client that takes no bytes for so long is let go.
        held: closed with the answer.
    """

    def __init__(
        self,
        request: Request,
        running: AbstractAsyncContextManager[Sonified],
        headers_of: Callable[[Sonified], Mapping[str, str]],
        stall_s: float,
        held: ExitStack,
    ) -> None:
        super().__init__()
        self._request = request
        self._running = running
        self._headers_of = headers_of
        self._stall_s = stall_s
        self._held = held
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Generate and send, until all is sent or the client leaves."""
        try:
            with self._held:
                await unless_client_leaves(self._request, self._run(send))
        except SonotypeError as error:
            if not self._started:
                raise
            count_refusal(error.code)
            level = max(error.meaning.log_level, logging.INFO)
            log.log(level, "the answer broke off", code=error.code.value, detail=error.detail)

    async def _run(self, send: Send) -> None:
        async with self._running as sonified:
            chunks = sonified.chunks
            # the first chunk is awaited before the head is sent: until then a problem can still be told
            first = await anext(chunks, b"")
            await self._start(sonified, send)
            await self._send(send, first, more=True)
            async for chunk in chunks:
                await self._send(send, chunk, more=True)
        await self._send(send, b"", more=False)

    async def _start(self, sonified: Sonified, send: Send) -> None:
        headers = MutableHeaders(headers=dict(self._headers_of(sonified)))
        headers["content-type"] = sonified.media_type
        if sonified.n_bytes is not None:
            headers["content-length"] = str(sonified.n_bytes)
        await send({"type": "http.response.start", "status": 200, "headers": headers.raw})
        self._started = True

    async def _send(self, send: Send, chunk: bytes, *, more: bool) -> None:
        try:
            async with asyncio.timeout(self._stall_s):
                await send({"type": "http.response.body", "body": chunk, "more_body": more})
        except TimeoutError:
            raise SonotypeError(Code.CANCELLED, f"The client took no bytes for {self._stall_s:g} s.") from None
