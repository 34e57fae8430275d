"""What was measured, kept in a file, so that it is measured once per weights, machine and versions."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sonotype.core.settings import Settings
from sonotype.models.card import Card
from sonotype.models.runtime.base import Engine, Precision
from sonotype.models.runtime.cpu import cpu_flags
from sonotype.models.tuning.candidates import default
from sonotype.models.tuning.measuring import LIMITS, Row, fastest
from sonotype.models.weights.base import write_atomic

_PACKAGES = ("torch", "openvino", "onnx", "onnxruntime", "sonotype")


class Measured(BaseModel):
    """What was measured of one model, and what was chosen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    device: str
    asked: Precision
    engine: Engine
    precision: Precision
    rows: tuple[Row, ...] = ()
    conditions: dict[str, str] = Field(description="what it holds for; with others it is measured again")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 1
    measured: dict[str, Measured] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """The file; a damaged or missing one holds nothing. Writers take turns by `lock`."""

    path: Path

    def find(self, card: Card, device: str, asked: Precision, conditions: Mapping[str, str]) -> Measured | None:
        """What was measured of a model under exactly these conditions, if its figures bear the choice out."""
        found = self._read().measured.get(_key(card, device, asked))
        if found is None or found.conditions != dict(conditions) or not _follows(found, device, asked):
            return None
        return found

    def keep(self, card: Card, measured: Measured) -> None:
        """Write it down; what was measured under other conditions is forgotten.

        Raises:
            OSError: the folder cannot be written.
        """
        kept = self._read().measured | {_key(card, measured.device, measured.asked): measured}
        write_atomic(self.path, _File(measured=kept).model_dump_json(indent=1).encode() + b"\n")

    def lock(self) -> FileLock:
        """Held while measuring: engines that are measured at the same time measure each other."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self.path.with_name(f".{self.path.name}.lock"))

    def _read(self) -> _File:
        try:
            return _File.model_validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            return _File()


def measured_file(settings: Settings) -> Path:
    """Where a deployment keeps what was measured."""
    return settings.data_dir / "engines.json"


def conditions(card: Card, threads: int, flags: frozenset[str] | None = None) -> dict[str, str]:
    """What a measurement depends on: weights, cut, threads, processor, versions and the limits of agreement."""
    processor = " ".join(sorted(cpu_flags() if flags is None else flags))
    return {
        "weights": card.weights_sha256,
        "patch": str(card.patch.frames),
        "threads": str(threads),
        "machine": f"{platform.machine()} {hashlib.sha256(processor.encode()).hexdigest()[:16]}",
        "limits": json.dumps(LIMITS, sort_keys=True),
        **{name: _version(name) for name in _PACKAGES},
    }


def _follows(found: Measured, device: str, asked: Precision) -> bool:
    """Whether the choice is the one that its rows lead to: one that somebody wrote in has not been through the gate."""
    best = fastest(found.rows, asked)
    led = (best.engine, best.precision) if best else (default(device), asked)
    return (found.engine, found.precision) == led


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _key(card: Card, device: str, asked: Precision) -> str:
    return f"{card.name} {device} {asked}"
