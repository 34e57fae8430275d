"""The gate: measure the sonifications of a prototype model and write their badges beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.evaluation import faithfulness
from sonotype.evaluation.held_out import HeldOut, hear_pairs, summarise_pairs
from sonotype.evaluation.listening import Doubles, Embeds, Heard, Judges, Listener
from sonotype.evaluation.recordings import Recording, choose
from sonotype.evaluation.sonifying import Kind, Shelf, Stage, real_segments, run_trial, silent_takes
from sonotype.evaluation.summary import Interval, Summary, interval, summarise
from sonotype.models.card import PrototypeCard
from sonotype.models.heads.prototypes import PrototypeHead
from sonotype.models.heads.provenance import Badge, Provenance, Sampling, read_provenance
from sonotype.models.sonify.base import Sonifier
from sonotype.models.weights.base import write_atomic

PROVENANCE = "provenance.json"
HELD_OUT_PER_LABEL = 8
# in standard deviations; rounding to float32 stays far below, and nobody hears it
SAME = 1e-3

Progress = Callable[[str, int, int], None]
"""Called with the stage, the sounds done and the sounds in total."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The real medoids themselves, and through the codec: what no decoder can beat."""

    retrieval: Interval
    classifier: Interval
    judge: Interval


@dataclass(frozen=True, slots=True)
class GateResult:
    """Everything that one run of the gate found.

    Attributes:
        card: of the model.
        seeds: of the sonifications.
        tries: sonifications per seed, of which the one nearest to its embedding was kept.
        provenance: with the badges.
        prototypes: summary of the decoded prototypes.
        medoids: summary of the decoded medoids.
        real: the real medoids.
        codec: the real medoids through the codec.
        held_out: recordings of the test split; None where there are none.
        pushed: every prototype is its medoid (training pushed it there), so both kinds are one and were decoded once.
        coded: whether the sonifier could pass real audio through its codec; otherwise ceilings are those of the real
            segments themselves.
        shelf: the sounds.
    """

    card: PrototypeCard
    seeds: tuple[int, ...]
    tries: int
    provenance: Provenance
    prototypes: Summary
    medoids: Summary
    real: Reference
    codec: Reference
    held_out: HeldOut | None
    pushed: bool
    coded: bool
    shelf: Shelf


@dataclass(frozen=True, slots=True)
class Model:
    """A prototype model, loaded: its head, its backbone, its decoder, and where it lies."""

    folder: Path
    head: PrototypeHead
    embedder: Embeds
    sonifier: Sonifier


def run_gate(
    model: Model,
    judge: Judges,
    recordings: Sequence[Recording],
    *,
    judge_name: str,
    seeds: Sequence[int],
    tries: int = 1,
    held_out_per_label: int = HELD_OUT_PER_LABEL,
    progress: Progress = lambda stage, done, total: None,
) -> GateResult:
    """Measure every prototype and every decoded medoid; nothing is written.

    Args:
        model: what is measured.
        judge: the independent classifier.
        recordings: the data set the model was trained on.
        judge_name: goes into the provenance.
        seeds: of the sonifications, at least two, so that their agreement can be seen.
        tries: sonifications per seed, of which the one nearest to its embedding is kept: what is rendered ahead.
        held_out_per_label: test recordings per label for the reference rows.
        progress: told after each sound.

    Raises:
        SonotypeError: `invalid_request` for fewer than two seeds, provenance of other weights, or a data set without
            the medoids.
    """
    if len(set(seeds)) < 2:
        raise SonotypeError(Code.INVALID_REQUEST, "The gate needs at least two different seeds.")
    before = matching_provenance(model)
    tests = choose(recordings, "test", model.head.labels, held_out_per_label)
    kinds = _embeddings(model.head)
    steps = _Steps(progress, len(model.head.ids) * (1 + len(kinds) * len(seeds)) + len(tests))
    stage = Stage(Listener(model.head, model.embedder, judge), model.sonifier, tuple(seeds), tries=tries, step=steps)
    real, codec = real_segments(stage, [record.medoid for record in before.prototypes], recordings)
    silent = silent_takes(stage)
    found: dict[Kind, tuple[tuple[Badge, ...], Summary]] = {}
    for kind, raw in kinds.items():
        trial = run_trial(stage, kind, raw, codec, silent)
        badges = faithfulness.badges(trial, _points(model.head), model.head.labels)
        found[kind] = badges, summarise(badges, trial)
    found.setdefault("medoid", found["prototype"])
    pairs = hear_pairs(stage, tests)
    return GateResult(
        card=model.head.card,
        seeds=tuple(seeds),
        tries=tries,
        provenance=with_badges(before, found["prototype"][0], found["medoid"][0], model.head.card, judge_name),
        prototypes=found["prototype"][1],
        medoids=found["medoid"][1],
        real=_reference(real, model.head),
        codec=_reference(codec, model.head),
        held_out=summarise_pairs(pairs, model.head.labels),
        pushed="medoid" not in kinds,
        coded=hasattr(model.sonifier, "reconstruct"),
        shelf=stage.shelf,
    )


def matching_provenance(model: Model) -> Provenance:
    """The provenance of the model, which must list its prototypes.

    Raises:
        SonotypeError: `invalid_request`.
    """
    try:
        found = read_provenance(model.folder / PROVENANCE)
    except (OSError, ValueError) as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"{PROVENANCE} of the model cannot be read.") from error
    same = found.weights_sha256 == model.head.card.weights.sha256
    if not same or tuple(record.id for record in found.prototypes) != model.head.ids:
        raise SonotypeError(Code.INVALID_REQUEST, f"{PROVENANCE} was written for other prototypes; train again.")
    return found


def with_badges(
    before: Provenance, prototypes: Sequence[Badge], medoids: Sequence[Badge], card: PrototypeCard, judge: str
) -> Provenance:
    """Provenance with a badge for every prototype and every decoded medoid."""
    records = tuple(
        record.model_copy(update={"prototype": own, "decoded_medoid": near})
        for record, own, near in zip(before.prototypes, prototypes, medoids, strict=True)
    )
    decoder = card.decoder
    made_by = {
        "decoder_sha256": decoder.sha256 if decoder else None,
        "sampling": Sampling.of(decoder) if decoder else None,
    }
    return before.model_copy(update={"prototypes": records, "judge": judge, **made_by})


def write_badges(folder: Path, provenance: Provenance) -> None:
    """Replace `provenance.json`, whole or not at all. Raises OSError."""
    write_atomic(folder / PROVENANCE, provenance.model_dump_json(indent=1).encode() + b"\n")


def _embeddings(head: PrototypeHead) -> dict[Kind, Floats]:
    """What has to be decoded; medoids that are the prototypes themselves need not be decoded twice."""
    raw = head.raw_prototypes()
    same = np.allclose(head.normalise(raw), head.normalise(head.medoids), atol=SAME)
    return {"prototype": raw} if same else {"prototype": raw, "medoid": head.medoids}


def _points(head: PrototypeHead) -> Doubles:
    return head.arrays.prototypes.astype(np.float64)


def _reference(heard: Sequence[Heard], head: PrototypeHead) -> Reference:
    points, own = _points(head), [int(owner) for owner in head.owners]
    return Reference(
        retrieval=interval([faithfulness.ranks(one.z, points)[j] == 1 for j, one in enumerate(heard)]),
        classifier=interval([int(one.classifier.argmax()) == c for one, c in zip(heard, own, strict=True)]),
        judge=interval([int(one.judge.argmax()) == c for one, c in zip(heard, own, strict=True)]),
    )


class _Steps:
    """Counts sounds for the progress."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self, stage: str) -> None:
        self._done += 1
        self._progress(stage, self._done, self._total)
