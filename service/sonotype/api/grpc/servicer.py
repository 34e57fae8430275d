"""The methods of `sonotype.v1.Sonotype`: parse, call the plane, render."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from sonotype.api.grpc.audio import AudioSender
from sonotype.api.grpc.call import Call
from sonotype.api.grpc.convert import model_of, query_of, response_of
from sonotype.api.grpc.convert_prototypes import (
    audio_header_of,
    audio_params_of,
    prototype_of,
    sonified_header_of,
    sonify_body_of,
)
from sonotype.api.grpc.errors import edge
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeServicer
from sonotype.api.grpc.intake import UploadStream
from sonotype.api.options import parse_options
from sonotype.api.prototypes import view_prototype, view_prototypes
from sonotype.api.sonify import PrototypesParams
from sonotype.api.view import rendered, view, view_model
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
            query = replace(query_of((await stream.first()).options), client=client)
            with self._plane.reserve_bytes() as budget:
                upload, seconds = await stream.upload(budget)
                query = replace(query, timeout_s=call.timeout_s(query.timeout_s))
                analysis = await self._plane.analyze(upload, query)
            timings_s = {**seconds, **analysis.timings_s}

            def render() -> pb.AnalyzeResponse:
                shown = view(self._plane, analysis, query)
                return response_of(call.request_id, analysis.clip, shown, timings_s)

            return call.done(await rendered(query, render))
        raise AssertionError("unreachable: the edge ends every failed call")

    async def ListModels(  # noqa: N802 - the contract's name
        self, request: pb.ListModelsRequest, context: Any
    ) -> pb.ListModelsResponse:
        """List every model."""
        call = Call("ListModels", context)
        async with edge(call):
            call.client(self._plane)
            models = [model_of(view_model(self._plane, info)) for info in self._plane.models()]
            return call.done(pb.ListModelsResponse(models=models))
        raise AssertionError("unreachable: the edge ends every failed call")

    async def GetModel(self, request: pb.GetModelRequest, context: Any) -> pb.Model:  # noqa: N802
        """Describe one model."""
        call = Call("GetModel", context)
        async with edge(call):
            call.client(self._plane)
            return call.done(model_of(view_model(self._plane, self._plane.model(request.name))))
        raise AssertionError("unreachable: the edge ends every failed call")

    async def ListPrototypes(  # noqa: N802 - the contract's name
        self, request: pb.ListPrototypesRequest, context: Any
    ) -> pb.ListPrototypesResponse:
        """List prototypes of the served models."""
        call = Call("ListPrototypes", context)
        async with edge(call):
            call.client(self._plane)
            params = parse_options(PrototypesParams, {"model": request.model or None, "label": request.label or None})
            shown = view_prototypes(self._plane, params.model, params.label)
            return call.done(pb.ListPrototypesResponse(prototypes=[prototype_of(one) for one in shown]))
        raise AssertionError("unreachable: the edge ends every failed call")

    async def GetPrototype(self, request: pb.GetPrototypeRequest, context: Any) -> pb.Prototype:  # noqa: N802
        """Describe one prototype."""
        call = Call("GetPrototype", context)
        async with edge(call):
            call.client(self._plane)
            return call.done(prototype_of(view_prototype(self._plane.prototype(request.id))))
        raise AssertionError("unreachable: the edge ends every failed call")

    async def GetPrototypeAudio(self, request: pb.GetPrototypeAudioRequest, context: Any) -> None:  # noqa: N802
        """Send one rendering of a prototype."""
        call = Call("GetPrototypeAudio", context)
        async with edge(call):
            call.client(self._plane)
            params = audio_params_of(request)
            file = await self._plane.prototype_audio(request.id, params.rendering(), params.format)
            sender = self._sender(context)
            await sender.header(audio_header_of(call.request_id, file))
            await sender.data(file.data)
            call.done(None)

    async def Sonify(  # noqa: N802 - the contract's name
        self, request_iterator: AsyncIterator[pb.SonifyRequest], context: Any
    ) -> None:
        """Generate audio and send it as it comes."""
        call = Call("Sonify", context)
        async with edge(call):
            client = call.client(self._plane)
            stream = UploadStream(request_iterator, self._settings)
            body = sonify_body_of((await stream.first()).options)
            with self._plane.reserve_bytes() as budget:
                upload, _ = await stream.upload(budget)
                query = body.query(has_upload=stream.has_upload)
                query = replace(query, client=client, timeout_s=call.timeout_s(query.timeout_s))
                sender = self._sender(context)
                async with self._plane.sonify(query, upload if stream.has_upload else None) as sonified:
                    await sender.header(sonified_header_of(call.request_id, sonified))
                    async for chunk in sonified.chunks:
                        await sender.data(chunk)
            call.done(None)

    def _sender(self, context: Any) -> AudioSender:
        return AudioSender(context, self._settings.upload_idle_timeout_s)
