"""Recordings of a data set: which to take, and their samples."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import soxr

from sonotype.audio.blob import Blob
from sonotype.audio.decoding import Decoding
from sonotype.audio.sniff import audio_start, sniff
from sonotype.audio.wire import Job
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats


class Recording(Protocol):
    """A labelled file of a data set; the examples of a training manifest are such."""

    @property
    def path(self) -> Path: ...  # noqa: D102
    @property
    def labels(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def split(self) -> str: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102


R = TypeVar("R", bound=Recording)


def read_samples(path: Path, rate_hz: int, offset_s: float = 0.0, duration_s: float | None = None) -> Floats:
    """Decode a file, or a part of it, with the decoders of the service.

    Args:
        path: the file.
        rate_hz: of the result.
        offset_s: where to begin.
        duration_s: how much to read; None reads to the end.

    Returns:
        Mono float32, shape [n].

    Raises:
        SonotypeError: what the service says to such a file, or `invalid_request` where it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"{path.name} cannot be read: {error.strerror}.") from error
    kind, start = sniff(data), audio_start(data)
    job = Job(
        format=kind.value,
        size=len(data) - start,
        rate_hz=rate_hz,
        offset_s=offset_s,
        duration_s=duration_s,
        max_clip_s=3600.0,
        min_clip_s=0.0,
        cpu_s=600,
    )
    chunks = [chunk.copy() for chunk in Decoding(job, Blob.of(data[start:])).chunks()]
    return np.concatenate(chunks) if chunks else np.empty(0, dtype=np.float32)


def at_rate(samples: Floats, rate_hz: int, wanted_hz: int) -> Floats:
    """Resample mono samples where the rates differ."""
    if rate_hz == wanted_hz:
        return samples
    return np.asarray(soxr.resample(samples, rate_hz, wanted_hz, quality="HQ"), dtype=np.float32)


def fitted(samples: Floats, length: int) -> Floats:
    """The first `length` samples, followed by silence where there are fewer."""
    return np.pad(samples[:length], (0, max(0, length - len(samples))))


def short_names(paths: Iterable[Path]) -> dict[Path, str]:
    """The shortest end of each path that none of the others ends with: `a.wav`, or `flute/a.wav` where it must be.

    So that a published model names its recordings without the folders of the machine it was trained on.
    """
    pending = set(paths)
    everything, depth = frozenset(pending), 0
    names: dict[Path, str] = {}
    while pending:
        depth += 1
        counts = Counter(path.parts[-depth:] for path in everything)
        done = {path for path in pending if counts[path.parts[-depth:]] == 1 or depth >= len(path.parts)}
        names |= {path: "/".join(path.parts[-depth:]) for path in done}
        pending -= done
    return names


def choose(recordings: Iterable[R], split: str, labels: Sequence[str], per_label: int, seed: int = 0) -> list[R]:
    """A sample of one split in which all labels, and all sources within a label, have the same weight if they can.

    Args:
        recordings: the data set.
        split: the part to take from.
        labels: those wanted.
        per_label: recordings per label, at most; one with several labels may be taken for each.
        seed: decides the sample.

    Returns:
        Sorted by label and source, without duplicates.
    """
    random = np.random.default_rng(seed)
    inside = sorted((r for r in recordings if r.split == split), key=lambda r: r.path)
    chosen: dict[Path, R] = {}
    for label in labels:
        carried = [r for r in inside if label in r.labels]
        by_source = [[r for r in carried if r.source == source] for source in sorted({r.source for r in carried})]
        shuffled = [[group[i] for i in random.permutation(len(group))] for group in by_source]
        turns = itertools.chain.from_iterable(itertools.zip_longest(*shuffled))
        chosen |= {r.path: r for r in itertools.islice((r for r in turns if r is not None), per_label)}
    return list(chosen.values())
