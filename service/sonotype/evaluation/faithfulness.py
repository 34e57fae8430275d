"""Does the sound say what the embedding says? Measures of the sonifications of one model.

Every number compares a sonification, embedded again, with the embedding it was made from. The protocol is described
in `docs/faithfulness.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sonotype.evaluation.listening import Doubles, Heard, cosine, cosines
from sonotype.evaluation.thresholds import Measures, failures
from sonotype.models.heads.provenance import Badge, SeedScore

# below this a ceiling is noise, and a share of it means nothing
MIN_CEILING = 0.05


@dataclass(frozen=True, slots=True)
class Trial:
    """Everything that was made of M embeddings of one kind (the prototypes, or their medoids), with R seeds each.

    Attributes:
        targets: the embeddings that were decoded, normalised, shape [M, D].
        owners: class of each, shape [M].
        seeds: the R seeds.
        heard: the sonifications, M lists of R.
        codec: the real medoid of each through the codec without the decoder, M.
        silent: sonifications of the embedding that says nothing (z = 0), R.
        tries: sonifications per seed, of which `heard` has the one nearest to its target.
        noises: seeds of the noise of those that were heard, M lists of R; empty: the seeds themselves.
    """

    targets: Doubles
    owners: NDArray[np.int64]
    seeds: Sequence[int]
    heard: Sequence[Sequence[Heard]]
    codec: Sequence[Heard]
    silent: Sequence[Heard]
    tries: int = 1
    noises: Sequence[Sequence[int]] = ()


def badges(trial: Trial, prototypes: Doubles, labels: Sequence[str]) -> tuple[Badge, ...]:
    """Judge every embedding of a trial.

    Args:
        trial: what was decoded.
        prototypes: all prototypes, normalised, shape [M, D]: the candidates of the retrieval.
        labels: the classes.
    """
    return tuple(_badge(trial, j, prototypes, labels) for j in range(len(trial.targets)))


def _badge(trial: Trial, j: int, prototypes: Doubles, labels: Sequence[str]) -> Badge:
    heard, label = trial.heard[j], labels[trial.owners[j]]
    noises = trial.noises[j] if trial.noises else trial.seeds
    scores = tuple(
        _score((seed, noise), one, trial.targets[j], ranks(one.z, prototypes)[j], labels)
        for seed, noise, one in zip(trial.seeds, noises, heard, strict=True)
    )
    mean = float(np.mean([score.cosine for score in scores]))
    ceiling = cosine(trial.codec[j].z, trial.targets[j])
    measures = Measures(
        cosine=mean,
        share=share(mean, ceiling),
        retrieval=float(np.mean([score.rank == 1 for score in scores])),
        classifier=float(np.mean([score.classifier == label for score in scores])),
        judge=float(np.mean([score.judge == label for score in scores])),
        seeds=seed_cosine(heard),
        null_other=null_other(trial, j),
        null_zero=float(np.mean([cosine(one.z, trial.targets[j]) for one in trial.silent])),
    )
    failed = failures(measures)
    return Badge(
        passed=not failed,
        tries=trial.tries,
        failed=failed,
        cosine=measures.cosine,
        ceiling=ceiling,
        share=measures.share,
        retrieval=measures.retrieval,
        classifier=measures.classifier,
        judge=measures.judge,
        seeds=measures.seeds,
        null_other=measures.null_other,
        null_zero=measures.null_zero,
        scores=scores,
    )


def _score(seeds: tuple[int, int], heard: Heard, target: Doubles, rank: int, labels: Sequence[str]) -> SeedScore:
    return SeedScore(
        seed=seeds[0],
        noise=seeds[1],
        cosine=cosine(heard.z, target),
        rank=rank,
        classifier=labels[int(heard.classifier.argmax())],
        judge=labels[int(heard.judge.argmax())],
    )


def share(value: float, ceiling: float) -> float:
    """Cosine in shares of its ceiling; 0 where the ceiling itself is no better than noise."""
    return value / ceiling if ceiling >= MIN_CEILING else 0.0


def ranks(z: Doubles, candidates: Doubles) -> list[int]:
    """Place of every candidate [M, D] by its cosine to z; 1 is best, and equals share the better place."""
    near = cosines(z[None], candidates)[0]
    return [1 + int(np.count_nonzero(near > own + 1e-9)) for own in near]


def seed_cosine(heard: Sequence[Heard]) -> float:
    """Mean cosine between the sonifications of one embedding; 1 for a single seed."""
    pairs = [cosine(a.z, b.z) for a, b in combinations(heard, 2)]
    return float(np.mean(pairs)) if pairs else 1.0


def null_other(trial: Trial, j: int) -> float:
    """Mean cosine of the sonifications of all other classes to embedding j; 0 where there is one class only.

    It is the expectation of what decoding a random embedding of another class would score.
    """
    others = [one.z for i, heard in enumerate(trial.heard) if trial.owners[i] != trial.owners[j] for one in heard]
    if not others:
        return 0.0
    return float(cosines(np.stack(others), trial.targets[j][None]).mean())
