"""From a sonification request to the embeddings that are to be heard: checks, mixtures, paths."""

from __future__ import annotations

import math

import numpy as np

from sonotype.audio.encode import FORMATS
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.heads.counterfactual import counterfactual
from sonotype.plane.heads import PrototypeModel
from sonotype.plane.sonification import SonifyQuery

MIN_POINTS, MAX_POINTS = 2, 9
MAX_STEPS = 100
MAX_GUIDANCE = 10.0
MAX_SEED = 2**31 - 1
MAX_MIXED = 64


def check_query(query: SonifyQuery, *, has_upload: bool) -> None:
    """Refuse what no model could do.

    Raises:
        SonotypeError: `invalid_request` for not exactly one start, a number out of its range or not finite.
    """
    starts = [query.embedding is not None, bool(query.mixture), has_upload]
    starts.append(query.path is not None and query.path.from_label is not None)
    if sum(starts) != 1:
        raise _invalid("Give exactly one start: an embedding, an upload, a mixture, or a path with from_label.")
    if query.path is not None and not MIN_POINTS <= query.path.points <= MAX_POINTS:
        raise _invalid(f"points must lie between {MIN_POINTS} and {MAX_POINTS}.")
    if query.steps is not None and not 1 <= query.steps <= MAX_STEPS:
        raise _invalid(f"steps must lie between 1 and {MAX_STEPS}.")
    if query.guidance is not None and not 0 <= query.guidance <= MAX_GUIDANCE:
        raise _invalid(f"guidance must lie between 0 and {MAX_GUIDANCE:g}.")
    if not 0 <= query.seed <= MAX_SEED:
        raise _invalid(f"seed must lie between 0 and {MAX_SEED}.")
    if query.format not in FORMATS:
        raise _invalid(f"format must be one of {', '.join(FORMATS)}.")
    _check_mixture(query)


def from_embedding(head: PrototypeModel, values: tuple[float, ...]) -> Floats:
    """An embedding as given, shape [D]. Raises `invalid_request` for another length or numbers that are not finite."""
    if len(values) != head.classifier.dim:
        raise _invalid(f"{head.card.name} takes an embedding of {head.classifier.dim} numbers, not {len(values)}.")
    with np.errstate(over="ignore"):
        embedding = np.asarray(values, dtype=np.float32)
    if not np.isfinite(embedding).all():
        raise _invalid("The embedding holds numbers that are not finite.")
    return embedding


def from_mixture(head: PrototypeModel, mixture: tuple[tuple[str, float], ...]) -> Floats:
    """The weighted mean of prototypes in the backbone's space, shape [D]. Raises `not_found` for an unknown one."""
    known = {prototype_id: index for index, prototype_id in enumerate(head.classifier.ids)}
    for prototype_id, _ in mixture:
        if prototype_id not in known:
            raise SonotypeError(Code.NOT_FOUND, f"{head.card.name} has no prototype {prototype_id[:200]!r}.")
    rows = head.classifier.raw_prototypes()[[known[prototype_id] for prototype_id, _ in mixture]]
    weights = np.array([weight for _, weight in mixture], dtype=np.float64)
    return np.asarray(weights / weights.sum() @ rows, dtype=np.float32)


def from_label(head: PrototypeModel, label: str) -> Floats:
    """The most typical prototype of a class: the one that is given the highest probability of it, shape [D]."""
    index = label_index(head, label)
    own = np.flatnonzero(head.classifier.owners == index)
    if not len(own):
        raise _invalid(f"{head.card.name} has no prototype of {label!r}.")
    rows = head.classifier.raw_prototypes()[own]
    return np.asarray(rows[head.classifier.logits(rows)[:, index].argmax()])


def label_index(head: PrototypeModel, label: str) -> int:
    """The column of a class. Raises `invalid_request` for an unknown one."""
    if label not in head.card.labels:
        raise _invalid(f"{head.card.name} has no class {label[:80]!r}; it has {', '.join(head.card.labels)[:400]}.")
    return head.card.labels.index(label)


def points_of(head: PrototypeModel, query: SonifyQuery, start: Floats) -> Floats:
    """One embedding per segment, shape [n, D]: the start itself, or the points of the path that begins there.

    Raises:
        SonotypeError: `invalid_request` where there is no such path.
    """
    if query.path is None:
        return start[None]
    label_index(head, query.path.to_label)
    return counterfactual(head.classifier, start, query.path.to_label, query.path.points)


def winners(head: PrototypeModel, points: Floats) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """The winning class of each embedding and its probability."""
    probabilities = head.classifier.probabilities(head.classifier.logits(points))
    best = probabilities.argmax(axis=1)
    return tuple(head.card.labels[c] for c in best), tuple(
        float(row[c]) for row, c in zip(probabilities, best, strict=True)
    )


def _check_mixture(query: SonifyQuery) -> None:
    weights = [weight for _, weight in query.mixture]
    if len(weights) > MAX_MIXED:
        raise _invalid(f"A mixture may hold at most {MAX_MIXED} prototypes.")
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        raise _invalid("The weights of a mixture must be finite and not negative.")
    total = sum(weights)
    if weights and not (total > 0 and math.isfinite(total)):
        raise _invalid("The weights of a mixture must have a positive sum.")


def _invalid(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, detail)
