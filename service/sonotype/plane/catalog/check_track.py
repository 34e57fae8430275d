"""Hold a submitted track against the limits, and bring its metadata into the form that is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sonotype.catalog.track import Metadata
from sonotype.core.types import Floats
from sonotype.plane.catalog import limits
from sonotype.plane.catalog.limits import check_number, check_text, check_texts, invalid
from sonotype.plane.catalog.values import Submission


def checked(submission: Submission, *, has_upload: bool) -> Submission:
    """The submission with clean metadata.

    Raises:
        SonotypeError: `invalid_request` for anything beyond the limits, and where it has not exactly one of an upload
            and an embedding.
    """
    if has_upload == (submission.embedding is not None):
        raise invalid("Give exactly one of an upload and an embedding.")
    if submission.embedding_of is not None and submission.embedding is None:
        raise invalid("embedding_of says of which model an embedding is: give the embedding, too.")
    if submission.id is not None:
        limits.check_id(submission.id)
    if submission.idempotency_key is not None:
        limits.check_idempotency_key(submission.idempotency_key)
    if submission.source is not None:
        check_text(submission.source, limits.MAX_SOURCE, "The source")
    return replace(submission, metadata=clean(submission.metadata))


def clean(metadata: Metadata) -> Metadata:
    """Metadata without surrounding space, empty texts and repeated tags; tags in lower case.

    Raises:
        SonotypeError: `invalid_request` for anything beyond the limits.
    """
    tidy = replace(
        metadata,
        title=_tidy(metadata.title),
        artist=_tidy(metadata.artist),
        album=_tidy(metadata.album),
        external_id=metadata.external_id or None,
        mbid=_mbid(metadata.mbid),
        isrc=_isrc(metadata.isrc),
        tags=clean_tags(metadata.tags),
        extra=_extra(metadata.extra),
    )
    _check_texts(tidy)
    _check_numbers(tidy)
    return tidy


def clean_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Tags in lower case, each once, in their order. Raises `invalid_request`."""
    check_texts(tags, limits.MAX_TAGS * 4, limits.MAX_TAG * 4, "tags")  # before any work on them
    tidy = tuple(dict.fromkeys(tag for tag in (" ".join(tag.lower().split()) for tag in tags) if tag))
    check_texts(tidy, limits.MAX_TAGS, limits.MAX_TAG, "tags")
    return tidy


def checked_vector(values: Floats, dim: int, what: str = "The embedding") -> Floats:
    """An embedding [dim] in float32.

    Raises:
        SonotypeError: `invalid_request` for another length, numbers that are not finite, and the zero vector, which
            has no direction.
    """
    if np.ndim(values) != 1 or len(values) != dim:
        raise invalid(f"{what} must have {dim} numbers, not {np.size(values)}.")
    with np.errstate(over="ignore"):
        vector = np.asarray(values, dtype=np.float32)
    if not np.isfinite(vector).all():
        raise invalid(f"{what} holds numbers that are not finite.")
    if not np.linalg.norm(vector.astype(np.float64)) > np.finfo(np.float32).tiny:
        raise invalid(f"{what} is zero: it has no direction.")
    return vector


def _tidy(text: str | None) -> str | None:
    return (text or "").strip() or None


def _mbid(text: str | None) -> str | None:
    tidy = (text or "").strip().lower()
    if tidy and not limits.MBID.fullmatch(tidy):
        raise invalid("An MBID is a UUID such as 8f3471b5-7e6a-48da-86a9-c1c07a0f47ae.")
    return tidy or None


def _isrc(text: str | None) -> str | None:
    """Written with or without hyphens, in either case: ISO 3901 has one form without."""
    tidy = (text or "").strip().upper().replace("-", "")
    if tidy and not limits.ISRC.fullmatch(tidy):
        raise invalid("An ISRC has twelve characters such as USRC17607839.")
    return tidy or None


def _extra(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        n_bytes = len(json.dumps(extra, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())
    except (TypeError, ValueError, RecursionError):
        raise invalid("extra must be a JSON object of finite numbers and valid text, not nested without end.") from None
    if not isinstance(extra, Mapping) or not all(isinstance(key, str) for key in extra):
        raise invalid("extra must be a JSON object.")
    if n_bytes > limits.MAX_EXTRA_BYTES:
        raise invalid(f"extra may have at most {limits.MAX_EXTRA_BYTES} bytes as JSON, not {n_bytes}.")
    return extra


def _check_texts(metadata: Metadata) -> None:
    limits.check_collection(metadata.collection)
    for name in ("title", "artist", "album"):
        check_text(getattr(metadata, name) or "", limits.MAX_NAME, name)
    check_text(metadata.external_id or "", limits.MAX_EXTERNAL_ID, "external_id")


def _check_numbers(metadata: Metadata) -> None:
    if metadata.year is not None:
        check_number(metadata.year, 1, limits.MAX_YEAR, "year")
    if metadata.duration_s is not None:
        check_number(metadata.duration_s, 0, limits.MAX_DURATION_S, "duration_s")
    if metadata.tempo_bpm is not None:
        check_number(metadata.tempo_bpm, 1, limits.MAX_TEMPO_BPM, "tempo_bpm")
