"""Hold questions to the catalogue against the limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from sonotype.catalog.port import Range, TrackFilter
from sonotype.catalog.ranking.values import Constraints, Hubness
from sonotype.plane.catalog import limits
from sonotype.plane.catalog.limits import check_number, check_text, check_texts, invalid
from sonotype.plane.catalog.values import PathQuery, PlaylistQuery, Seed, SimilarQuery

_ORDERS = ("similarity", "smooth", "random")


def checked_filter(where: TrackFilter) -> TrackFilter:
    """A filter with its tags in the form that is stored. Raises `invalid_request`."""
    for name in ("collections", "artists", "albums", "tags", "any_tags", "labels"):
        check_texts(getattr(where, name), limits.MAX_FILTER_VALUES, limits.MAX_NAME, f"values of {name}")
    for name in ("year", "duration_s", "tempo_bpm"):
        _check_range(getattr(where, name), name)
    return replace(where, tags=_as_stored(where.tags), any_tags=_as_stored(where.any_tags))


def check_similar(query: SimilarQuery, *, has_upload: bool) -> None:
    """Refuse what cannot be answered. Raises `invalid_request`."""
    check_seeds(query.seeds, has_upload=has_upload)
    check_number(query.k, 1, limits.MAX_K, "k")
    check_number(query.diversity, 0, 1, "diversity")
    if query.hubness not in get_args(Hubness):
        raise invalid(f"hubness must be one of {', '.join(get_args(Hubness))}.")
    check_constraints(query.constraints)


def check_playlist(query: PlaylistQuery) -> None:
    """Refuse what cannot be answered. Raises `invalid_request`."""
    check_seeds(query.seeds, has_upload=False)
    check_number(query.count, 1, limits.MAX_PLAYLIST, "count")
    check_number(query.diversity, 0, 1, "diversity")
    check_number(query.artist_gap, 0, limits.MAX_GAP, "artist_gap")
    check_number(query.random_seed, 0, limits.MAX_RANDOM_SEED, "random_seed")
    if query.order not in _ORDERS:
        raise invalid(f"order must be one of {', '.join(_ORDERS)}.")
    check_constraints(query.constraints)


def check_path(query: PathQuery) -> None:
    """Refuse what cannot be answered. Raises `invalid_request`."""
    limits.check_id(query.start)
    limits.check_id(query.end)
    if query.start == query.end:
        raise invalid("A path needs two different tracks.")
    check_number(query.count, limits.MIN_PATH, limits.MAX_PATH, "count")
    check_constraints(query.constraints)


def check_constraints(constraints: Constraints) -> None:
    """Refuse constraints that mean nothing. Raises `invalid_request`."""
    for name in ("max_per_artist", "max_per_album"):
        value = getattr(constraints, name)
        if value is not None:
            check_number(value, 1, limits.MAX_K, name)
    for name in ("tempo_within", "duration_within"):
        value = getattr(constraints, name)
        if value is not None:
            check_number(value, 0, limits.MAX_RELATIVE, name)
    check_texts(constraints.exclude, limits.MAX_EXCLUDED, limits.MAX_ID, "excluded tracks")


def check_seeds(seeds: Sequence[Seed], *, has_upload: bool) -> None:
    """Refuse seeds that say nothing or too much. Raises `invalid_request`."""
    if not 1 <= len(seeds) <= limits.MAX_SEEDS:
        raise invalid(f"A query has 1 to {limits.MAX_SEEDS} seeds, not {len(seeds)}.")
    for seed in seeds:
        _check_seed(seed)
    if not any(seed.weight > 0 for seed in seeds):
        raise invalid("At least one seed needs a positive weight: a query says what it wants, not only what not.")
    uploads = sum(seed.upload for seed in seeds)
    if uploads > 1:
        raise invalid("Only one seed can be the upload.")
    if bool(uploads) != has_upload:
        raise invalid("A seed names the upload, but there is none." if uploads else "No seed names the upload.")


def _check_seed(seed: Seed) -> None:
    kinds = [seed.track, seed.embedding, seed.prototype, seed.tag, seed.upload or None]
    if sum(kind is not None for kind in kinds) != 1:
        raise invalid("A seed is exactly one of track, embedding, prototype, tag and upload.")
    if not math.isfinite(seed.weight) or seed.weight == 0 or abs(seed.weight) > limits.MAX_WEIGHT:
        raise invalid(f"The weight of a seed is a number from -{limits.MAX_WEIGHT:g} to {limits.MAX_WEIGHT:g}, not 0.")
    if seed.track is not None:
        limits.check_id(seed.track)
    if seed.tag is not None:
        check_texts((seed.tag,), 1, limits.MAX_TAG, "tags")
    if seed.prototype is not None:
        check_text(seed.prototype, limits.MAX_NAME, "The id of a prototype")


def _check_range(span: Range | None, what: str) -> None:
    if span is None:
        return
    ends = [end for end in (span.low, span.high) if end is not None]
    for end in ends:
        check_number(end, 0, limits.MAX_BOUND, f"An end of {what}")
    if len(ends) == 2 and ends[0] > ends[1]:
        raise invalid(f"The lower end of {what} lies above the upper one.")


def _as_stored(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Tags are stored in lower case with single spaces."""
    return tuple(dict.fromkeys(" ".join(tag.lower().split()) for tag in tags))
