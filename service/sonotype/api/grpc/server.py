"""The gRPC server: our services, health and reflection on one port."""

from __future__ import annotations

import asyncio
import contextlib

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from sonotype.api.grpc.catalog_servicer import CatalogServicer
from sonotype.api.grpc.control_servicer import ControlServicer
from sonotype.api.grpc.gen import catalog_pb2 as cat
from sonotype.api.grpc.gen import control_pb2 as ctl
from sonotype.api.grpc.gen import grpc_service_pb2 as oip
from sonotype.api.grpc.gen import live_pb2 as live
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen import tagger_pb2 as tag
from sonotype.api.grpc.gen.catalog_pb2_grpc import add_CatalogServicer_to_server
from sonotype.api.grpc.gen.control_pb2_grpc import add_ModelControlServicer_to_server
from sonotype.api.grpc.gen.grpc_service_pb2_grpc import add_GRPCInferenceServiceServicer_to_server
from sonotype.api.grpc.gen.live_pb2_grpc import add_LiveServicer_to_server
from sonotype.api.grpc.gen.sonotype_pb2_grpc import add_SonotypeServicer_to_server
from sonotype.api.grpc.gen.tagger_pb2_grpc import add_TaggersServicer_to_server
from sonotype.api.grpc.live_servicer import LiveServicer
from sonotype.api.grpc.oip_servicer import InferenceServicer
from sonotype.api.grpc.servicer import Servicer
from sonotype.api.grpc.tagger_servicer import TaggerServicer
from sonotype.core.settings import Settings
from sonotype.plane.port import Plane

SERVICE = pb.DESCRIPTOR.services_by_name["Sonotype"].full_name
CATALOG = cat.DESCRIPTOR.services_by_name["Catalog"].full_name
CONTROL = ctl.DESCRIPTOR.services_by_name["ModelControl"].full_name
LIVE = live.DESCRIPTOR.services_by_name["Live"].full_name
TAGGERS = tag.DESCRIPTOR.services_by_name["Taggers"].full_name
INFERENCE = oip.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name
# Room for the options and the framing around the largest chunk.
MESSAGE_OVERHEAD_BYTES = 2**20
HEALTH_PERIOD_S = 0.5
# A client that vanished without a word is forgotten within two seconds, however little there is to send to it.
_KEEPALIVE = (
    ("grpc.keepalive_time_ms", 1000),
    ("grpc.keepalive_timeout_ms", 900),
    ("grpc.http2.ping_timeout_ms", 900),  # of all pings; a minute if it is not said
    ("grpc.http2.max_pings_without_data", 0),
)


class GrpcServer:
    """Starts and stops the gRPC face.

    Args:
        plane: what it is a face of.
        settings: address, limits.
    """

    def __init__(self, plane: Plane, settings: Settings) -> None:
        self._plane = plane
        self._settings = settings
        self._health = health.aio.HealthServicer()
        self._server: grpc.aio.Server | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen; `port` then holds the real port. Raises `RuntimeError` where the address cannot be had."""
        server = self._build()
        self.port = server.add_insecure_port(f"{_host(self._settings.host)}:{self._settings.grpc_port}")
        await self._report()
        await server.start()
        self._server = server
        self._watcher = asyncio.create_task(self._keep_reporting(), name="grpc-health")

    async def stop(self, grace_s: float = 0.0) -> None:
        """Say that we stop, refuse new calls, give running ones `grace_s` seconds, then cancel them."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(grace_s)

    def _build(self) -> grpc.aio.Server:
        largest = self._settings.max_upload_bytes + MESSAGE_OVERHEAD_BYTES
        options = [
            ("grpc.max_receive_message_length", largest),
            # answers with the embeddings of every patch of a long file are large, and ours to bound
            ("grpc.max_send_message_length", -1),
            # two processes on one port would share the calls at random
            ("grpc.so_reuseport", 0),
            *_KEEPALIVE,
        ]
        server = grpc.aio.server(options=options)
        add_SonotypeServicer_to_server(Servicer(self._plane, self._settings), server)  # type: ignore[no-untyped-call]
        catalog = CatalogServicer(self._plane, self._settings)
        add_CatalogServicer_to_server(catalog, server)  # type: ignore[no-untyped-call]
        control = ControlServicer(self._plane, self._settings)
        add_ModelControlServicer_to_server(control, server)  # type: ignore[no-untyped-call]
        add_LiveServicer_to_server(LiveServicer(self._plane, self._settings), server)  # type: ignore[no-untyped-call]
        taggers = TaggerServicer(self._plane, self._settings)
        add_TaggersServicer_to_server(taggers, server)  # type: ignore[no-untyped-call]
        inference = InferenceServicer(self._plane, self._settings)
        add_GRPCInferenceServiceServicer_to_server(inference, server)  # type: ignore[no-untyped-call]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (SERVICE, CATALOG, TAGGERS, LIVE, CONTROL, INFERENCE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        return server

    async def _keep_reporting(self) -> None:
        while True:
            await asyncio.sleep(HEALTH_PERIOD_S)
            await self._report()

    async def _report(self) -> None:
        """Health says what `/readyz` says, and of the services of the catalogue what it says with `need=catalog`."""
        readiness = await self._plane.readiness()
        serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", SERVICE, CATALOG, TAGGERS, LIVE, CONTROL, INFERENCE):
            ready = readiness.finds if name in (CATALOG, TAGGERS) else readiness.ready
            await self._health.set(name, serving if ready else not_serving)


def create_grpc_server(plane: Plane, settings: Settings) -> GrpcServer:
    """Build the gRPC face around a plane; `start()` makes it listen."""
    return GrpcServer(plane, settings)


def _host(host: str) -> str:
    """IPv6 addresses stand in brackets in gRPC's addresses."""
    return f"[{host}]" if ":" in host else host
