"""Questions to the catalogue and their answers between protobuf and our own types."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from sonotype.api.catalog_params import PathParams, PlaylistBody, SimilarBody
from sonotype.api.grpc.convert_tracks import track_summary_of
from sonotype.api.grpc.enums import HUBNESS, LANES, ORDERS
from sonotype.api.grpc.fields import chosen, given
from sonotype.api.grpc.gen import catalog_pb2 as cat
from sonotype.api.options import parse_options
from sonotype.catalog.port import CatalogStatus, Generation
from sonotype.catalog.ranking.values import Why
from sonotype.plane.catalog.values import Match, Matches, PathQuery, PlaylistQuery, SimilarQuery

_FILTER_LISTS = {
    "collection": "collections",
    "artist": "artists",
    "album": "albums",
    "tag": "tags",
    "any_tag": "any_tags",
    "label": "labels",
}
_FILTER_NUMBERS = ("year_min", "year_max", "duration_min_s", "duration_max_s", "tempo_min_bpm", "tempo_max_bpm")


def similar_query_of(options: cat.SimilarOptions, client: str | None, *, has_upload: bool) -> SimilarQuery:
    """The question as the plane takes it, under the same rules as on the REST face. Raises `invalid_request`."""
    values = _asked(options) | given(options, "k", "diversity", "timeout_s")
    values |= chosen(options, hubness=HUBNESS, lane=LANES) | {"why": options.why, "exact": options.exact}
    return replace(parse_options(SimilarBody, values).query(has_upload=has_upload), client=client)


def path_query_of(request: cat.FindPathRequest) -> PathQuery:
    """The question as the plane takes it. Raises `invalid_request`."""
    values = filter_values(request.filter) | _constraints(request.constraints) | given(request, "count")
    return parse_options(PathParams, values).query(request.start, request.end)


def playlist_query_of(request: cat.MakePlaylistRequest, client: str | None) -> PlaylistQuery:
    """The question as the plane takes it. Raises `invalid_request`."""
    values = _asked(request) | given(request, "count", "diversity", "artist_gap", "include_seeds")
    values |= chosen(request, order=ORDERS) | {"random_seed": request.random_seed}
    return replace(parse_options(PlaylistBody, values).query(), client=client)


def filter_values(where: cat.TrackFilter) -> dict[str, Any]:
    """A filter under the names that it has on the REST face."""
    lists = {name: list(getattr(where, field)) for name, field in _FILTER_LISTS.items()}
    return lists | given(where, *_FILTER_NUMBERS)


def matches_of(request_id: str, found: Matches) -> cat.MatchesResponse:
    """Tracks in an order."""
    return cat.MatchesResponse(
        request_id=request_id,
        matches=[_match(match) for match in found.matches],
        generation=found.generation,
        exact=found.exact,
        degraded=found.degraded,
        hubness=HUBNESS[found.hubness],
        short_because=found.short_because,
    )


def why_of(why: Why) -> cat.Why:
    """Why two tracks are alike."""
    return cat.Why(
        sentence=why.sentence,
        similarity=why.similarity,
        same=why.same,
        tags=why.tags,
        labels=[cat.SharedLabel(**asdict(label)) for label in why.labels],
        prototypes=[cat.SharedPrototype(**asdict(prototype)) for prototype in why.prototypes],
    )


def status_of(status: CatalogStatus, *, takes_jobs: bool) -> cat.CatalogStatus:
    """Facts of the whole catalogue."""
    return cat.CatalogStatus(
        engine=status.engine,
        tracks=status.tracks,
        stale=status.stale,
        generations=[generation_of(generation) for generation in status.generations],
        writable=status.writable,
        bytes=status.bytes,
        takes_jobs=takes_jobs,
    )


def generation_of(generation: Generation) -> cat.Generation:
    """One generation."""
    return cat.Generation(**asdict(generation))


def _asked(request: cat.SimilarOptions | cat.MakePlaylistRequest) -> dict[str, Any]:
    return {
        "seeds": [_seed(seed) for seed in request.seeds],
        "filter": filter_values(request.filter),
        "constraints": _constraints(request.constraints),
    }


def _constraints(constraints: cat.Constraints) -> dict[str, Any]:
    told = given(constraints, "max_per_artist", "max_per_album", "tempo_within", "duration_within")
    return told | {"hide_duplicates": constraints.hide_duplicates, "exclude": list(constraints.exclude)}


def _seed(seed: cat.Seed) -> dict[str, Any]:
    kind = seed.WhichOneof("kind")
    values = given(seed, "weight")
    if kind == "embedding":
        values["embedding"] = list(seed.embedding.values)
    elif kind is not None:
        values[kind] = getattr(seed, kind)
    return values


def _match(match: Match) -> cat.Match:
    why = None if match.why is None else why_of(match.why)
    return cat.Match(track=track_summary_of(match.track), similarity=match.similarity, score=match.score, why=why)
