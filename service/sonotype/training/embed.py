"""Labelled files to embeddings of their segments, with a cache on disk; files that cannot be used are listed."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sonotype.audio.blob import Blob
from sonotype.audio.decoding import Decoding
from sonotype.audio.sniff import audio_start, sniff
from sonotype.audio.wire import Facts, Job
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.evaluation.embedding import Embedder
from sonotype.models.weights.base import write_atomic
from sonotype.training.data.dataset import Example

Progress = Callable[[int, int], None]
"""Called with the files done and the files in total."""

# vectors [n, D] and starts in seconds [n] of the segments of a file; in the cache the starts are the first column
_Segments = tuple[Floats, Floats]

_MAX_CLIP_S, _MIN_CLIP_S = 4 * 3600.0, 0.1
# part of every key: another number forgets what older versions of this file have cached
_CACHE_VERSION = 2


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """Embeddings of N segments of some examples.

    Attributes:
        examples: the files that could be used.
        vectors: of the segments, in the backbone's space, shape [N, D].
        example: which file each segment belongs to, ascending, shape [N].
        offset_s: start of each segment in its file, shape [N].
        skipped: the files that could not be used.
    """

    examples: tuple[Example, ...]
    vectors: Floats
    example: NDArray[np.int64]
    offset_s: Floats
    skipped: tuple[Skipped, ...] = ()

    def part(self, wanted: Callable[[Example], bool]) -> Embedded:
        """The segments of the examples that `wanted` picks."""
        kept = np.array([index for index, e in enumerate(self.examples) if wanted(e)], dtype=np.int64)
        rows = np.isin(self.example, kept)
        places = np.searchsorted(kept, self.example[rows])
        return Embedded(tuple(self.examples[i] for i in kept), self.vectors[rows], places, self.offset_s[rows])


def decode(path: Path, rate_hz: int) -> tuple[Floats, Facts]:
    """Decode a file of the user's own in this process, by the same code as the service's decode child.

    Args:
        path: the file.
        rate_hz: of the samples.

    Returns:
        Mono samples, shape [n], and what was seen.

    Raises:
        SonotypeError: see `Decoding`; `undecodable` where the file cannot be opened.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SonotypeError(Code.UNDECODABLE, f"The file cannot be opened: {error.strerror}.") from error
    return _decode(data, rate_hz)


def embed(
    examples: Sequence[Example],
    make_embedder: Callable[[], Embedder],
    *,
    cache: Path | None = None,
    threads: int = 1,
    progress: Progress = lambda done, total: None,
) -> Embedded:
    """Embed every segment of every example; what cannot be used is skipped and listed.

    Args:
        examples: the files.
        make_embedder: called once per thread.
        cache: folder of vectors by the hash of file and model; None keeps nothing.
        threads: files at work at the same time.
        progress: told after each file.

    Raises:
        SonotypeError: `invalid_request` where no file can be used.
    """
    local = threading.local()

    def work(example: Example) -> _Segments | Skipped:
        if not hasattr(local, "embedder"):
            local.embedder = make_embedder()
        return _segments(example.path, local.embedder, cache)

    found: list[_Segments] = []
    kept: list[Example] = []
    skipped: list[Skipped] = []
    with ThreadPoolExecutor(threads) as pool:
        for done, (example, outcome) in enumerate(zip(examples, pool.map(work, examples), strict=True), 1):
            if isinstance(outcome, Skipped):
                skipped.append(outcome)
            else:
                found.append(outcome)
                kept.append(example)
            progress(done, len(examples))
    if not found:
        reason = f" {skipped[0].path.name}: {skipped[0].reason}" if skipped else ""
        raise SonotypeError(Code.INVALID_REQUEST, f"None of the {len(examples)} files can be used.{reason}")
    vectors, offsets = (np.concatenate(parts) for parts in zip(*found, strict=True))
    which = np.repeat(np.arange(len(kept)), [len(starts) for _, starts in found])
    return Embedded(tuple(kept), vectors, which, offsets, tuple(skipped))


def _segments(path: Path, embedder: Embedder, cache: Path | None) -> _Segments | Skipped:
    """The embeddings of one file and where they start, or why there are none."""
    try:
        data = path.read_bytes()
        place = None if cache is None else cache / f"{_key(data, embedder)}.npy"
        if place is not None and place.is_file():
            table = np.asarray(np.load(place, allow_pickle=False), dtype=np.float32)
            return table[:, 1:], table[:, 0]
        samples, facts = _decode(data, embedder.sample_rate_hz)
        if facts.silent:
            return Skipped(path, "the file is silent")
        vectors, starts = embedder.located(samples)
    except SonotypeError as error:
        return Skipped(path, error.detail)
    except (OSError, ValueError) as error:  # decoders trip over crafted bytes in many ways; one file ends no run
        return Skipped(path, str(error) or type(error).__name__)
    if place is not None:
        file = io.BytesIO()
        np.save(file, np.column_stack((starts, vectors)), allow_pickle=False)
        write_atomic(place, file.getvalue())
    return vectors, starts


def _decode(data: bytes, rate_hz: int) -> tuple[Floats, Facts]:
    payload = data[audio_start(data) :]
    job = Job(
        format=sniff(data).value,
        size=len(payload),
        rate_hz=rate_hz,
        offset_s=0.0,
        duration_s=None,
        max_clip_s=_MAX_CLIP_S,
        min_clip_s=_MIN_CLIP_S,
        cpu_s=0,
    )
    work = Decoding(job, Blob.of(payload))
    chunks = [chunk.copy() for chunk in work.chunks()]
    return np.concatenate(chunks), work.facts()


def _key(data: bytes, embedder: Embedder) -> str:
    card = embedder.card
    parts = (
        _CACHE_VERSION,
        hashlib.sha256(data).hexdigest(),
        card.weights_sha256,
        embedder.spec.name,
        card.frontends[card.default_frontend].sha256,
        card.patch.model_dump_json(),
        embedder.precision,
    )
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()
