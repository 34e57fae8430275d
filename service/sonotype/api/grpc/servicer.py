"""The methods of `sonotype.v1.Sonotype`: parse, call the plane, render."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from sonotype.api.grpc.call import Call
from sonotype.api.grpc.convert import model_of, query_of, response_of
from sonotype.api.grpc.errors import edge
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeServicer
from sonotype.api.grpc.intake import UploadStream
from sonotype.api.view import view
from sonotype.core.settings import Settings
from sonotype.plane.port import Plane


class Servicer(SonotypeServicer):
    """The gRPC face of a plane. A call that its client cancels cancels the plane's work with it."""

    def __init__(self, plane: Plane, settings: Settings) -> None:
        self._plane = plane
        self._settings = settings

    async def Analyze(  # noqa: N802 - the contract's name
        self, request_iterator: AsyncIterator[pb.AnalyzeRequest], context: Any
    ) -> pb.AnalyzeResponse:
        """Analyse one streamed file."""
        call = Call("Analyze", context)
        async with edge(call):
            client = call.client(self._plane)
            stream = UploadStream(request_iterator, self._settings)
            query = replace(query_of(await stream.options()), client=client)
            with self._plane.reserve_bytes() as budget:
                upload, seconds = await stream.upload(budget)
                query = replace(query, timeout_s=call.timeout_s(query.timeout_s))
                analysis = await self._plane.analyze(upload, query)
            timings_s = {**seconds, **analysis.timings_s}
            shown = view(self._plane, analysis, query)
            return call.done(response_of(call.request_id, analysis.clip, shown, timings_s))
        raise AssertionError("unreachable: the edge ends every failed call")

    async def ListModels(  # noqa: N802 - the contract's name
        self, request: pb.ListModelsRequest, context: Any
    ) -> pb.ListModelsResponse:
        """List every model."""
        call = Call("ListModels", context)
        async with edge(call):
            call.client(self._plane)
            return call.done(pb.ListModelsResponse(models=[model_of(info) for info in self._plane.models()]))
        raise AssertionError("unreachable: the edge ends every failed call")

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.Model:  # noqa: N802
        """Describe one model."""
        call = Call("GetModel", context)
        async with edge(call):
            call.client(self._plane)
            return call.done(model_of(self._plane.model(request.name)))
        raise AssertionError("unreachable: the edge ends every failed call")
