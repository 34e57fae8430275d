"""The composition root: settings become objects, objects become faces. The only module that knows everything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import uvloop

from sonotype.api.run import run_faces
from sonotype.audio.pool import DecodeLimits, DecoderPool
from sonotype.catalog.engines import open_engine
from sonotype.cli.app import app as command_line
from sonotype.cli.wiring import Wiring
from sonotype.core.settings import Settings
from sonotype.models.registry import Registry
from sonotype.models.repository import make_room_for_models, repositories
from sonotype.models.tuning.memory import measured_file
from sonotype.plane.analyze import Analyzer
from sonotype.plane.budget import ByteLedger
from sonotype.plane.catalog.assembly import OpenCatalog, assemble
from sonotype.plane.catalog.opening import CatalogDoor
from sonotype.plane.choices import choices_file, pin_chosen, read_choices
from sonotype.plane.compute import Computer
from sonotype.plane.control import ModelControl
from sonotype.plane.deployment import Deployment, choose_models
from sonotype.plane.keys import KeyRing
from sonotype.plane.lineups import Lineups
from sonotype.plane.live.sessions import Live, LiveLimits
from sonotype.plane.memory import AnswerMemory
from sonotype.plane.model_watch import ModelWatch
from sonotype.plane.renderings import Renderings
from sonotype.plane.service import Service
from sonotype.plane.sonify import Sonification
from sonotype.serving.admission import Admission
from sonotype.serving.batcher import Batcher
from sonotype.serving.cache import SingleFlight, open_store
from sonotype.serving.devices import Device, parse_devices
from sonotype.serving.poison import Quarantine
from sonotype.serving.sonify.engine import Engine, sonify_program
from sonotype.serving.sonify.lane import SonifyLane
from sonotype.serving.sonify.shelf import Shelf
from sonotype.serving.workers.pool import WorkerPool
from sonotype.serving.workers.served import ServedModel
from sonotype.telemetry.logs import configure, configure_logs

_log = logging.getLogger(__name__)
_LEVELS = ("debug", "info", "warning", "error")
# of workers: loading and warming up; every network whose engines are measured first gets as much again
_START_S = 300.0


def run() -> None:
    """The entry point of the command `sonotype`."""
    command_line(obj=Wiring(serve=serve, open_plane=open_ready_plane))


def serve(settings: Settings, open_page: bool) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    configure_logs(settings)
    uvloop.run(_serve(settings, open_page))


async def _serve(settings: Settings, open_page: bool) -> None:
    async with open_plane(settings, with_catalog=True) as plane, _background(plane, settings):
        await run_faces(plane, settings, open_page=open_page)


@asynccontextmanager
async def _background(plane: Service, settings: Settings) -> AsyncIterator[None]:
    """For as long as the context lasts: warm the plane up and watch the models, as far as the settings want it."""
    tasks = [asyncio.create_task(_warm_up(plane, render=settings.sonify_warm), name="warm-up")]
    if settings.model_control == "poll":
        tasks.append(asyncio.create_task(plane.watch_models(), name="watch-models"))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _warm_up(plane: Service, *, render: bool) -> None:
    try:
        await plane.tidy_up()
        if render:
            await plane.warm_up()
    except Exception:  # noqa: BLE001 - background job: who asks for a rendering has it made
        _log.exception("the warm-up failed")


@asynccontextmanager
async def open_ready_plane(
    settings: Settings, *, with_catalog: bool = False, with_workers: bool = True
) -> AsyncIterator[Service]:
    """The plane inside this process, with every worker up where any are wanted: what the command line computes with.

    Raises:
        SonotypeError: no model is pulled, or no worker comes up; `conflict` where another process holds the catalogue.
    """
    configure(settings.log_format, max("warning", settings.log_level, key=_LEVELS.index))  # stdout is for answers
    async with open_plane(settings, with_catalog=with_catalog, with_workers=with_workers) as plane:
        await plane.wait_catalog()
        if with_workers:
            await plane.wait_ready()
        yield plane


@asynccontextmanager
async def open_plane(
    settings: Settings, *, with_catalog: bool = False, with_workers: bool = True
) -> AsyncIterator[Service]:
    """Build every object, start what runs, and stop it in the reverse order.

    Workers load, and the catalogue is opened, while the faces already answer `/livez`; requests that need them are
    refused with 503 until they are up.
    """
    make_room_for_models(settings)
    registry = Registry(repositories(settings), settings.weights_dir)
    choices = read_choices(choices_file(settings))
    pin_chosen(registry, settings, choices)
    deployment = choose_models(registry, settings, choices)
    devices = parse_devices(settings.devices)

    async with AsyncExitStack() as stack:
        store = open_store(settings)
        stack.push_async_callback(store.aclose)
        admission = Admission(
            settings.max_queue_audio_s,
            key_audio_s_per_minute=settings.key_audio_s_per_minute,
            saturated_at=2 * len(devices),
        )
        quarantine = Quarantine(store)
        lineups = Lineups(registry, deployment, partial(_recruit, settings, devices, quarantine), admission.rate)
        decoder = DecoderPool(settings.decode_workers, DecodeLimits(settings.max_clip_s, settings.min_clip_s))
        engine = Engine(sonify_program(settings.sonify_threads), hang_s=settings.sonify_timeout_s)
        lane = SonifyLane(engine, settings.sonify_queue)
        if with_workers:
            await decoder.start()
            await lineups.start()
        stack.push_async_callback(decoder.aclose)
        stack.push_async_callback(lineups.aclose)
        lane.start()
        stack.push_async_callback(lane.aclose)

        flights = SingleFlight(store, lock_ttl_s=settings.deadline_s)
        computer = Computer(admission, decoder, settings.max_clip_s)
        memory = AnswerMemory(store, settings.cache_ttl_s)

        @asynccontextmanager
        async def open_catalog() -> AsyncIterator[OpenCatalog]:
            async with (
                open_engine(settings) as engine,
                assemble(engine, settings, lineups, analyzer.analyze) as opened,
            ):
                yield opened

        door = CatalogDoor(open_catalog if with_catalog else None)
        deadline_s = settings.deadline_s
        analyzer = Analyzer(lineups, memory, flights, computer, deadline_s=deadline_s, taggers=door.taggers)
        door.start()
        stack.push_async_callback(door.aclose)
        control = ModelControl(lineups, settings, choices)
        shelf = Shelf(settings.data_dir / "sonifications")
        yield Service(
            lineups=lineups,
            control=control,
            watch=ModelWatch(control, lineups, settings.model_poll_s),
            analyzer=analyzer,
            renderings=Renderings(lane, shelf, flights, settings.deadline_s),
            sonification=Sonification(lineups, analyzer, lane, admission, deadline_s=settings.deadline_s),
            lane=lane,
            admission=admission,
            store=store,
            keys=KeyRing(settings.api_keys),
            upload_bytes=ByteLedger(settings.max_upload_bytes, settings.max_inflight_bytes),
            catalog=door,
            live=Live(lineups, admission, LiveLimits.of(settings)),
        )


def _recruit(
    settings: Settings, devices: Sequence[Device], quarantine: Quarantine, registry: Registry, deployment: Deployment
) -> Batcher:
    """The workers of a deployment and the batcher in front of them, not started yet."""
    networks = deployment.networks.values()
    pool = WorkerPool(
        [ServedModel(card, registry.weights_path(card), settings.precision, settings.engine) for card in networks],
        devices,
        batch_audio_s=settings.batch_audio_s,
        batch_timeout_s=settings.worker_batch_timeout_s,
        measured=measured_file(settings),
        start_timeout_s=_START_S * (1 + len(networks) if settings.engine == "measure" else 1),
    )
    return Batcher(
        pool, delay_ms=settings.batch_delay_ms, delay_bulk_ms=settings.batch_delay_bulk_ms, quarantine=quarantine
    )
