"""The methods of `sonotype.v1.ModelControl`: parse, call the plane, render."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from sonotype.api.control_params import LoadBody
from sonotype.api.grpc.call import Call
from sonotype.api.grpc.convert import model_of
from sonotype.api.grpc.gen import control_pb2 as ctl
from sonotype.api.grpc.gen.control_pb2_grpc import ModelControlServicer
from sonotype.api.grpc.methods import Methods
from sonotype.api.options import parse_options
from sonotype.api.view import view_model
from sonotype.plane.port import ModelChange


class ControlServicer(Methods, ModelControlServicer):
    """Changes what is served."""

    async def Load(self, request: ctl.LoadRequest, context: Any) -> ctl.ModelChange:  # noqa: N802
        """Serve a version of a model."""

        async def work(call: Call, client: str | None) -> ctl.ModelChange:
            version = request.version if request.HasField("version") else None
            body = parse_options(LoadBody, {"version": version})
            return await self._done(self._plane.load_model(request.name, body.version))

        return await self._answer("Load", context, work)

    async def Rollback(self, request: ctl.RollbackRequest, context: Any) -> ctl.ModelChange:  # noqa: N802
        """Serve the version before."""

        async def work(call: Call, client: str | None) -> ctl.ModelChange:
            return await self._done(self._plane.rollback_model(request.name))

        return await self._answer("Rollback", context, work)

    async def Unload(self, request: ctl.UnloadRequest, context: Any) -> ctl.ModelChange:  # noqa: N802
        """Serve a model no longer."""

        async def work(call: Call, client: str | None) -> ctl.ModelChange:
            return await self._done(self._plane.unload_model(request.name))

        return await self._answer("Unload", context, work)

    async def _done(self, work: Awaitable[ModelChange]) -> ctl.ModelChange:
        change = await work
        return ctl.ModelChange(model=model_of(view_model(self._plane, change.model)), previous=change.previous)
