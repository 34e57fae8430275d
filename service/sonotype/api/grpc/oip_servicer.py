"""The methods of `inference.GRPCInferenceService`: parse, call the plane, render."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from sonotype.api.grpc.call import Call
from sonotype.api.grpc.errors import edge
from sonotype.api.grpc.gen import grpc_service_pb2 as pb
from sonotype.api.grpc.gen.grpc_service_pb2_grpc import GRPCInferenceServiceServicer
from sonotype.api.grpc.methods import Methods
from sonotype.api.grpc.oip_convert import metadata_of, request_of, response_of
from sonotype.api.oip import describe
from sonotype.api.oip.infer import infer


class InferenceServicer(Methods, GRPCInferenceServiceServicer):
    """The Open Inference Protocol on a plane; health needs no API key, everything else does where keys are in use."""

    async def ServerLive(self, request: pb.ServerLiveRequest, context: Any) -> pb.ServerLiveResponse:  # noqa: N802
        """Answer as long as the event loop turns."""
        call = Call("ServerLive", context)
        async with edge(call):
            return call.done(pb.ServerLiveResponse(live=True))
        raise AssertionError("unreachable: the edge ends every failed call")

    async def ServerReady(self, request: pb.ServerReadyRequest, context: Any) -> pb.ServerReadyResponse:  # noqa: N802
        """Whether requests can be answered."""
        call = Call("ServerReady", context)
        async with edge(call):
            return call.done(pb.ServerReadyResponse(ready=(await self._plane.readiness()).ready))
        raise AssertionError("unreachable: the edge ends every failed call")

    async def ModelReady(self, request: pb.ModelReadyRequest, context: Any) -> pb.ModelReadyResponse:  # noqa: N802
        """Whether requests for a model can be answered."""

        async def work(call: Call, client: str | None) -> pb.ModelReadyResponse:
            address = describe.address_of(request.name, request.version)
            return pb.ModelReadyResponse(ready=await describe.is_ready(self._plane, address))

        return await self._answer("ModelReady", context, work)

    async def ServerMetadata(  # noqa: N802 - the contract's name
        self, request: pb.ServerMetadataRequest, context: Any
    ) -> pb.ServerMetadataResponse:
        """Name, version and extensions."""

        async def work(call: Call, client: str | None) -> pb.ServerMetadataResponse:
            name, version = describe.SERVER, describe.server_version()
            return pb.ServerMetadataResponse(name=name, version=version, extensions=describe.EXTENSIONS)

        return await self._answer("ServerMetadata", context, work)

    async def ModelMetadata(  # noqa: N802 - the contract's name
        self, request: pb.ModelMetadataRequest, context: Any
    ) -> pb.ModelMetadataResponse:
        """Inputs and outputs of a model."""

        async def work(call: Call, client: str | None) -> pb.ModelMetadataResponse:
            return metadata_of(describe.describe(self._plane, describe.address_of(request.name, request.version)))

        return await self._answer("ModelMetadata", context, work)

    async def ModelInfer(self, request: pb.ModelInferRequest, context: Any) -> pb.ModelInferResponse:  # noqa: N802
        """Analyse one or more pieces of audio with one model."""

        async def work(call: Call, client: str | None) -> pb.ModelInferResponse:
            describe.address_of(request.model_name, request.model_version)
            with self._plane.reserve_bytes() as budget:
                budget.add(request.ByteSize())
                asked = await asyncio.to_thread(request_of, request)
                answer = await infer(self._plane, asked, client, call.timeout_s(None))
            return response_of(asked, answer)

        return await self._answer("ModelInfer", context, work)

    async def RepositoryIndex(  # noqa: N802 - the contract's name
        self, request: pb.RepositoryIndexRequest, context: Any
    ) -> pb.RepositoryIndexResponse:
        """Every model, served or not."""

        async def work(call: Call, client: str | None) -> pb.RepositoryIndexResponse:
            entries = describe.index(self._plane, request.ready)
            kind = pb.RepositoryIndexResponse.ModelIndex
            return pb.RepositoryIndexResponse(models=[kind(**asdict(entry)) for entry in entries])

        return await self._answer("RepositoryIndex", context, work)
