"""From the catalogue's values to JSON; `schemas_catalog` says the same for OpenAPI."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sonotype.api.http.render_prototypes import DECIMALS
from sonotype.api.prototypes import prototype_url
from sonotype.catalog.port import CatalogStatus, Generation, Page
from sonotype.catalog.ranking.values import SharedLabel, SharedPrototype, Why
from sonotype.catalog.track import Metadata, Track, TrackEvidence, TrackLabel
from sonotype.plane.catalog.values import Match, Matches


def track_url(track_id: str) -> str:
    """Path of a track on the REST face."""
    return f"/v1/tracks/{quote(track_id, safe=':~')}"


def track_body(track: Track) -> dict[str, Any]:
    """The body of `/v1/tracks/{id}`."""
    said = {
        "labels": [_label(label) for label in track.labels],
        "evidence": [_evidence(evidence) for evidence in track.evidence],
    }
    return track_summary(track) | said


def track_summary(track: Track) -> dict[str, Any]:
    """A track in a list: without what the models said of it."""
    return {
        "id": track.id,
        "metadata": metadata_body(track.metadata),
        "content_sha256": track.content_sha256,
        "generations": list(track.generations),
        "source": track.source,
        "created_at": moment(track.created_at),
        "updated_at": moment(track.updated_at),
    }


def metadata_body(metadata: Metadata) -> dict[str, Any]:
    """The metadata of a track, every field of it."""
    names = ("collection", "external_id", "title", "artist", "album", "year", "duration_s", "tempo_bpm", "mbid", "isrc")
    told = {name: getattr(metadata, name) for name in names}
    return told | {"tags": list(metadata.tags), "extra": dict(metadata.extra)}


def tracks_body(page: Page) -> dict[str, Any]:
    """The body of `/v1/tracks`."""
    return {"tracks": [track_summary(track) for track in page.tracks], "cursor": page.cursor}


def matches_body(request_id: str, found: Matches) -> dict[str, Any]:
    """The body of an answer with tracks in an order."""
    return {
        "request_id": request_id,
        "matches": [match_body(match) for match in found.matches],
        "generation": found.generation,
        "exact": found.exact,
        "degraded": found.degraded,
        "hubness": found.hubness,
        "short_because": found.short_because,
    }


def match_body(match: Match) -> dict[str, Any]:
    """One track of such an answer."""
    body = {
        "track": track_summary(match.track),
        "similarity": round(match.similarity, DECIMALS),
        "score": round(match.score, DECIMALS),
    }
    return body if match.why is None else body | {"why": why_body(match.why)}


def why_body(why: Why) -> dict[str, Any]:
    """Why two tracks are alike."""
    return {
        "sentence": why.sentence,
        "similarity": None if why.similarity is None else round(why.similarity, DECIMALS),
        "same": list(why.same),
        "tags": list(why.tags),
        "labels": [_shared_label(label) for label in why.labels],
        "prototypes": [_shared_prototype(prototype) for prototype in why.prototypes],
    }


def catalog_body(status: CatalogStatus, *, takes_jobs: bool = False) -> dict[str, Any]:
    """The body of `/v1/catalog`."""
    generations = [generation_body(generation) for generation in status.generations]
    return asdict(status) | {"generations": generations, "takes_jobs": takes_jobs}


def generation_body(generation: Generation) -> dict[str, Any]:
    """One generation."""
    return asdict(generation)


def moment(when: datetime | None) -> str | None:
    """A point in time as RFC 3339 writes it, in UTC."""
    return None if when is None else when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _label(label: TrackLabel) -> dict[str, Any]:
    return {"model": label.model, "label": label.label, "score": round(label.score, DECIMALS)}


def _evidence(evidence: TrackEvidence) -> dict[str, Any]:
    told = {"model": evidence.model, "prototype": evidence.prototype, "label": evidence.label}
    return told | {"share": round(evidence.share, DECIMALS), "url": prototype_url(evidence.prototype)}


def _shared_label(shared: SharedLabel) -> dict[str, Any]:
    scores = {"score_a": round(shared.score_a, DECIMALS), "score_b": round(shared.score_b, DECIMALS)}
    return {"model": shared.model, "label": shared.label, **scores}


def _shared_prototype(shared: SharedPrototype) -> dict[str, Any]:
    return {
        "prototype": shared.prototype,
        "model": shared.model,
        "label": shared.label,
        "share_a": round(shared.share_a, DECIMALS),
        "share_b": round(shared.share_b, DECIMALS),
        "strength": round(shared.strength, DECIMALS),
        "url": prototype_url(shared.prototype),
    }
