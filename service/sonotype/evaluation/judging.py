"""Train the judge on a data set, and test it where nothing was trained."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sonotype.core.errors import SonotypeError
from sonotype.core.types import Floats
from sonotype.evaluation.judge import NAME, Ears, Judge, Probe, fit_probe, segment_embedding
from sonotype.evaluation.recordings import Recording, choose, read_samples
from sonotype.evaluation.summary import Interval, bootstrap, macro_recall
from sonotype.evaluation.yamnet import SAMPLE_RATE_HZ, yamnet_card
from sonotype.models.weights.base import write_atomic

# recordings per label, spread over the sources
PER_LABEL = {"train": 300, "validation": 60, "test": 120}
DURATION_S = 4.096
_CACHE_VERSION = 1

Progress = Callable[[str, int, int], None]
Labelled = tuple[Floats, list[str]]


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """How good the judge itself is: its recall on real recordings is a ceiling of its agreement.

    Attributes:
        name: of embedding and classifier.
        strength: of the regularisation (scikit-learn's C), chosen on validation recordings.
        items: recordings by split; those with several labels count several times.
        validation: macro recall; None without validation recordings.
        test: macro recall on the test split; None without one.
        recalls: of the classes on the test split.
    """

    name: str
    strength: float
    items: dict[str, int]
    validation: float | None
    test: Interval | None
    recalls: dict[str, float]


def make_judge(
    ears: Ears,
    recordings: Sequence[Recording],
    labels: Sequence[str],
    *,
    cache: Path | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> tuple[Judge, JudgeReport]:
    """Fit the judge on training recordings, choose its regularisation on validation, test it on the test split.

    Args:
        ears: its embedding.
        recordings: the data set.
        labels: the classes.
        cache: folder that keeps embeddings; None keeps nothing.
        progress: told after each recording.

    Raises:
        SonotypeError: `invalid_request` where fewer than two classes can be trained.
    """
    chosen = {split: choose(recordings, split, labels, count) for split, count in PER_LABEL.items()}
    total, done = sum(map(len, chosen.values())), 0

    def step() -> None:
        nonlocal done
        done += 1
        progress("the judge listens", done, total)

    heard = {split: _heard(ears, members, labels, cache, step) for split, members in chosen.items()}
    probe, strength = fit_probe(heard["train"], heard["validation"])
    return Judge(ears, probe), _report(probe, strength, heard)


def _report(probe: Probe, strength: float, heard: dict[str, Labelled]) -> JudgeReport:
    rows, names = heard["test"]
    truth = np.array(names)
    found = np.array([probe.classes[i] for i in probe.probabilities(rows).argmax(axis=1)]) if names else truth
    return JudgeReport(
        name=NAME,
        strength=strength,
        items={split: len(labels) for split, (_, labels) in heard.items()},
        validation=probe.recall(*heard["validation"]) if heard["validation"][1] else None,
        test=bootstrap(len(names), lambda chosen: macro_recall(truth[chosen], found[chosen])) if names else None,
        recalls={name: float((found[truth == name] == name).mean()) for name in sorted(set(names))},
    )


def _heard(
    ears: Ears, members: Sequence[Recording], labels: Sequence[str], cache: Path | None, step: Callable[[], None]
) -> Labelled:
    """Embeddings of recordings with their labels; one with several of the labels counts once for each."""
    rows = _embedded(ears, members, cache, step)
    usable = np.isfinite(rows).all(axis=1)
    pairs = [(i, label) for i in np.flatnonzero(usable).tolist() for label in labels if label in members[i].labels]
    return rows[[i for i, _ in pairs]].reshape(-1, ears.dim), [label for _, label in pairs]


def _embedded(ears: Ears, members: Sequence[Recording], cache: Path | None, step: Callable[[], None]) -> Floats:
    """Embeddings [N, D] of the beginnings of recordings; NaN for those that cannot be decoded."""
    place = None if cache is None or not members else cache / f"{_key(members)}.npy"
    if place is not None and place.is_file():
        return np.asarray(np.load(place, allow_pickle=False), dtype=np.float32)
    rows = np.full((len(members), ears.dim), np.nan, dtype=np.float32)
    for index, member in enumerate(members):
        with contextlib.suppress(SonotypeError):
            samples = read_samples(member.path, SAMPLE_RATE_HZ, 0.0, DURATION_S)
            rows[index] = segment_embedding(ears, samples, SAMPLE_RATE_HZ)
        step()
    if place is not None:
        file = io.BytesIO()
        np.save(file, rows, allow_pickle=False)
        write_atomic(place, file.getvalue())
    return rows


def _key(members: Sequence[Recording]) -> str:
    """Changes with the files (by name, size and time of change) and with the network."""
    facts = [f"{_CACHE_VERSION} {yamnet_card().weights_sha256} {DURATION_S}"]
    for member in members:
        status = member.path.stat() if member.path.is_file() else None
        facts.append(f"{member.path.resolve()} {status and (status.st_size, status.st_mtime_ns)}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()
