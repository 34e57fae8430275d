"""Reading the stream of an upload: options first, then chunks, under the same limits as on the REST face."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from sonotype.api.collect import Collector, Pace
from sonotype.api.grpc.gen import catalog_pb2 as cat
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen import tagger_pb2 as tag
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Upload
from sonotype.plane.port import ByteBudget

Message = TypeVar(
    "Message", pb.AnalyzeRequest, pb.SonifyRequest, cat.PutTrackRequest, cat.SimilarRequest, tag.TagRequest
)


class UploadStream(Generic[Message]):
    """The messages of one call that may carry an upload.

    Args:
        messages: gRPC's iterator over them.
        settings: of the deployment; the limits of uploads.

    Attributes:
        has_upload: whether a chunk has come.
    """

    def __init__(self, messages: AsyncIterator[Message], settings: Settings) -> None:
        self._messages: AsyncIterator[Message] = messages
        self._limit_bytes = settings.max_upload_bytes
        self._pace = Pace(settings.upload_idle_timeout_s)
        self.has_upload = False

    async def first(self) -> Message:
        """The message with the options. Raises `invalid_request` where it holds none."""
        message = await self._next()
        if message is None or message.WhichOneof("part") != "options":
            raise SonotypeError(Code.INVALID_REQUEST, "The first message must hold the options.")
        return message

    async def upload(self, budget: ByteBudget) -> tuple[Upload, dict[str, float]]:
        """The rest of the messages as one upload, and the seconds spent on its phases.

        Raises:
            SonotypeError: `upload_too_large` as soon as the limit is passed, `upload_timeout`, `overloaded` or
                `invalid_request`.
        """
        collector = Collector(self._limit_bytes, budget)
        while (message := await self._next()) is not None:
            if message.WhichOneof("part") != "chunk":
                raise SonotypeError(Code.INVALID_REQUEST, "After the options only chunks may follow.")
            self.has_upload = True
            self._pace.progress(len(message.chunk))
            collector.add(message.chunk)
        return collector.finish()

    async def _next(self) -> Message | None:
        return await self._pace.wait(self._advance)

    async def _advance(self) -> Message | None:
        return await anext(self._messages, None)
