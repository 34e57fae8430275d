"""The method of `sonotype.v1.Live`: audio in and answers out at the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sonotype.api.collect import Pace
from sonotype.api.grpc.call import Call
from sonotype.api.grpc.convert_live import done_of, listen_params_of, ready_of, tags_of
from sonotype.api.grpc.errors import edge
from sonotype.api.grpc.gen import live_pb2 as pb
from sonotype.api.grpc.gen.live_pb2_grpc import LiveServicer as Base
from sonotype.api.listening import converse
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.plane.live.port import LiveAnswer
from sonotype.plane.live.query import ListenQuery
from sonotype.plane.port import Plane
from sonotype.telemetry import metrics


class LiveServicer(Base):
    """The gRPC face of live sessions. A call that its client cancels ends its session."""

    def __init__(self, plane: Plane, settings: Settings) -> None:
        self._plane = plane
        self._settings = settings

    async def Listen(self, request_iterator: AsyncIterator[pb.ListenRequest], context: Any) -> None:  # noqa: N802
        """Tag audio as it comes."""
        call, why = Call("Listen", context), "left"
        try:
            async with edge(call):
                try:
                    await self._listen(call, request_iterator)
                    why = "done"
                except SonotypeError as error:
                    why = error.code.value
                    raise
        finally:
            metrics.LIVE_ENDED.labels("grpc", why).inc()

    async def _listen(self, call: Call, requests: AsyncIterator[pb.ListenRequest]) -> None:
        client = call.client(self._plane)
        query = await self._query(requests, client)
        async with self._plane.listen(query) as session:
            await call.context.write(pb.ListenResponse(ready=ready_of(call.request_id, session)))

            async def tell(answer: LiveAnswer) -> None:
                await call.context.write(pb.ListenResponse(tags=tags_of(answer, query)))

            await converse(session, _chunks(requests), tell, stall_s=3 * self._settings.upload_idle_timeout_s)
            await call.context.write(pb.ListenResponse(done=done_of(session)))
        call.done(None)

    async def _query(self, requests: AsyncIterator[pb.ListenRequest], client: str | None) -> ListenQuery:
        async def first() -> pb.ListenRequest | None:
            return await anext(requests, None)

        message = await Pace(self._settings.upload_idle_timeout_s).wait(first)
        if message is None or message.WhichOneof("part") != "options":
            raise SonotypeError(Code.INVALID_REQUEST, "The first message must hold the options.")
        return listen_params_of(message.options).query(client)


async def _chunks(requests: AsyncIterator[pb.ListenRequest]) -> AsyncIterator[bytes]:
    async for message in requests:
        if message.WhichOneof("part") != "chunk":
            raise SonotypeError(Code.INVALID_REQUEST, "After the options only chunks may follow.")
        yield message.chunk
