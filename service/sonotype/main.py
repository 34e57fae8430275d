"""The composition root: settings become objects, objects become faces. The only module that knows everything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import uvloop

from sonotype.api.run import run_faces
from sonotype.audio.pool import DecodeLimits, DecoderPool
from sonotype.cli.app import app as command_line
from sonotype.cli.wiring import Wiring
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import Card
from sonotype.models.registry import Registry
from sonotype.plane.analyze import Analyzer, Served
from sonotype.plane.budget import ByteLedger
from sonotype.plane.compute import Computer
from sonotype.plane.keys import KeyRing
from sonotype.plane.memory import AnswerMemory
from sonotype.plane.service import Service
from sonotype.serving.admission import Admission
from sonotype.serving.batcher import Batcher
from sonotype.serving.cache import SingleFlight, open_store
from sonotype.serving.devices import parse_devices
from sonotype.serving.poison import Quarantine
from sonotype.serving.workers.pool import WorkerPool
from sonotype.serving.workers.served import ServedModel
from sonotype.telemetry.logs import configure_logs


def run() -> None:
    """The entry point of the command `sonotype`."""
    command_line(obj=Wiring(serve=serve, open_plane=open_ready_plane))


def serve(settings: Settings, open_page: bool) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    configure_logs(settings)
    uvloop.run(_serve(settings, open_page))


async def _serve(settings: Settings, open_page: bool) -> None:
    async with open_plane(settings) as plane:
        await run_faces(plane, settings, open_page=open_page)


@asynccontextmanager
async def open_ready_plane(settings: Settings) -> AsyncIterator[Service]:
    """The plane inside this process, with every worker up: what the command line computes with.

    Raises:
        SonotypeError: no model is pulled, or no worker comes up.
    """
    async with open_plane(settings) as plane:
        await plane.wait_ready()
        yield plane


@asynccontextmanager
async def open_plane(settings: Settings) -> AsyncIterator[Service]:
    """Build every object, start what runs, and stop it in the reverse order.

    Workers load while the faces already answer `/livez`; requests are refused with 503 until one is up.
    """
    registry = Registry(settings.model_path, settings.weights_dir)
    cards = served_cards(registry, settings)
    devices = parse_devices(settings.devices)
    models = [ServedModel(card, registry.weights_path(card), settings.precision) for card in cards]

    async with AsyncExitStack() as stack:
        store = open_store(settings)
        stack.push_async_callback(store.aclose)
        pool = WorkerPool(
            models,
            devices,
            batch_audio_s=settings.batch_audio_s,
            batch_timeout_s=settings.worker_batch_timeout_s,
        )
        admission = Admission(
            settings.max_queue_audio_s,
            key_audio_s_per_minute=settings.key_audio_s_per_minute,
            saturated_at=2 * len(devices),
        )
        batcher = Batcher(
            pool,
            delay_ms=settings.batch_delay_ms,
            delay_bulk_ms=settings.batch_delay_bulk_ms,
            quarantine=Quarantine(store),
            rate=admission.rate,
        )
        decoder = DecoderPool(settings.decode_workers, DecodeLimits(settings.max_clip_s, settings.min_clip_s))
        served = Served(
            find=_finder(registry, cards),
            precision=lambda card: pool.precision(card.address),
            default_model=_default_model(cards, settings),
            deadline_s=settings.deadline_s,
        )
        analyzer = Analyzer(
            served,
            AnswerMemory(store, settings.cache_ttl_s),
            SingleFlight(store, lock_ttl_s=settings.deadline_s),
            Computer(admission, decoder, batcher, settings.max_clip_s),
        )
        await decoder.start()
        stack.push_async_callback(decoder.aclose)
        await batcher.start()
        stack.push_async_callback(batcher.aclose)
        yield Service(
            served=served,
            served_models=frozenset(card.name for card in cards),
            registry=registry,
            analyzer=analyzer,
            batcher=batcher,
            admission=admission,
            store=store,
            keys=KeyRing(settings.api_keys),
            upload_bytes=ByteLedger(settings.max_upload_bytes, settings.max_inflight_bytes),
        )


def served_cards(registry: Registry, settings: Settings) -> list[Card]:
    """The cards to load: those named, or every one whose weights are there.

    Raises:
        SonotypeError: `model_not_found`, or `weights_missing` with the command that helps.
    """
    if settings.models:
        cards = [registry.get(name) for name in settings.models]
    else:
        cards = [card for card in registry.cards().values() if registry.is_pulled(card)]
    missing = [card.name for card in cards if not registry.is_pulled(card)] or ([] if cards else ["--all"])
    if missing:
        raise SonotypeError(
            Code.WEIGHTS_MISSING, f"No weights yet: run `sonotype models pull {' '.join(missing)}` first."
        )
    return cards


def _default_model(cards: list[Card], settings: Settings) -> str:
    names = [card.name for card in cards]
    return settings.default_model if settings.default_model in names else names[0]


def _finder(registry: Registry, cards: list[Card]) -> Callable[[str], Card]:
    served = {card.name for card in cards}

    def find(address: str) -> Card:
        card = registry.get(address)
        if card.name not in served:
            raise SonotypeError(Code.MODEL_NOT_FOUND, f"{card.name!r} is known, but not served here.")
        return card

    return find
