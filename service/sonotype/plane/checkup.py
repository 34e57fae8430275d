"""A check-up of the installation: the facts that `sonotype doctor` prints."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from sonotype import __version__
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import AnyHeadCard, PrototypeCard
from sonotype.models.registry import Registry
from sonotype.models.repository import repositories
from sonotype.models.runtime.cpu import resolve_precision
from sonotype.plane.heads import Head, PrototypeModel, load_head
from sonotype.serving.cache.factory import open_store
from sonotype.serving.devices import gpu_names

State = Literal["ok", "note", "broken"]
_PACKAGES = ("torch", "torchaudio", "openvino", "av", "soundfile", "soxr", "fastapi", "grpcio", "redis")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the check-up."""

    name: str
    state: State
    detail: str


def check_up(settings: Settings) -> list[Check]:
    """Every check, in the order in which things are needed. Imports no heavy package."""
    return [
        Check("sonotype", "ok", f"{__version__} on Python {platform.python_version()}, {sys.platform}"),
        *_packages(),
        *_devices(),
        _folder("data folder", settings.data_dir),
        _folder("weights folder", settings.weights_dir),
        *_weights(settings),
        asyncio.run(_cache(settings)),
    ]


def _packages() -> Iterator[Check]:
    for name in _PACKAGES:
        try:
            yield Check(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Check(name, "broken", "not installed")


def _devices() -> Iterator[Check]:
    has_bf16 = resolve_precision("auto") == "bf16"
    native = "computes bf16 natively: precision auto means bf16" if has_bf16 else "no bf16: precision auto is fp32"
    yield Check("cpu", "ok", f"{os.cpu_count()} cores, {native}")
    gpus = gpu_names()
    yield Check("gpu", "ok" if gpus else "note", ", ".join(gpus) or "none found: workers run on the CPU")


def _folder(name: str, path: Path) -> Check:
    existing = next(p for p in (path, *path.parents) if p.exists())
    if not os.access(existing, os.W_OK):
        return Check(name, "broken", f"{path} cannot be written")
    free_gb = shutil.disk_usage(existing).free / 1e9
    return Check(name, "ok" if free_gb > 1 else "note", f"{path} ({free_gb:.0f} GB free)")


def _weights(settings: Settings) -> Iterator[Check]:
    registry = Registry(repositories(settings), settings.weights_dir)
    for problem in registry.problems:
        yield Check(f"card {problem.name}", "broken", problem.reason)
    cards = registry.cards()
    pulled = [name for name, card in cards.items() if registry.is_pulled(card)]
    hint = "run `sonotype models pull --all`" if len(pulled) < len(cards) else ""
    state: State = "ok" if settings.default_model in pulled else "broken"
    yield Check("weights", state, f"{len(pulled)} of {len(cards)} models pulled: {', '.join(pulled) or 'none'} {hint}")
    for card in registry.head_cards().values():
        yield _head(registry, card)


def _head(registry: Registry, card: AnyHeadCard) -> Check:
    """Whether a head can be served, and if it is one of prototypes, heard."""
    name = f"{'prototypes' if isinstance(card, PrototypeCard) else 'head'} {card.name}"
    try:
        head = load_head(registry, card)
    except SonotypeError as error:
        return Check(name, "note" if error.code is Code.WEIGHTS_MISSING else "broken", error.detail)
    return Check(name, "note" if head.notes else "ok", "; ".join((_facts(head), *head.notes)))


def _facts(head: Head) -> str:
    labels, backbone = len(head.card.labels), head.backbone.name
    if not isinstance(head, PrototypeModel):
        return f"{head.task} on {backbone}, {labels} {'values' if head.task == 'regression' else 'labels'}"
    decoder = head.card.decoder
    heard = f"decoder {decoder.family}" if decoder and head.can_sonify else "no sound"
    return f"{len(head.classifier.ids)} for {labels} classes on {backbone}, {heard}"


async def _cache(settings: Settings) -> Check:
    store = open_store(settings)
    kind = "Redis" if settings.redis_url else "embedded SQLite"
    try:
        return Check("cache", "ok", f"{kind} answers") if await store.ping() else _away(kind)
    finally:
        await store.aclose()


def _away(kind: str) -> Check:
    return Check("cache", "note", f"{kind} does not answer: everything works, nothing is remembered across restarts")
