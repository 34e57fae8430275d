"""Questions to the catalogue: the same names, limits and defaults on every face.

The models know names, types and the bounds that OpenAPI shows; `plane.catalog.check_query` holds every question
against all rules, whatever face it came through.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from sonotype.api.filter_params import ConstraintParams, ConstraintsBody, FilterBody, FilterParams
from sonotype.api.options import Options
from sonotype.api.track_params import Text, TrackId, UploadLane, Waiting, float32
from sonotype.catalog.ranking.values import Hubness
from sonotype.core.types import Lane
from sonotype.plane.catalog import limits
from sonotype.plane.catalog.values import PathQuery, PlaylistQuery, Seed, SimilarQuery

UPLOAD = (Seed(upload=True),)
K = Annotated[int, Field(ge=1, le=limits.MAX_K, description="how many tracks")]
Diversity = Annotated[
    float, Field(ge=0, le=1, description="0 takes the most similar, 1 the most different among the candidates")
]
Order = Literal["similarity", "smooth", "random"]


class _Ranking(Options):
    k: K = 10
    diversity: Diversity = 0.0
    hubness: Hubness = Field(
        "mutual_proximity", description="correct for tracks that are near to everything, or `none`"
    )
    why: bool = Field(False, description="say of every match why it is alike")
    exact: bool = Field(False, description="compare with every track instead of asking the index")
    timeout_s: Waiting = None

    def _ranking(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _Ranking.model_fields}


class SimilarParams(FilterParams, ConstraintParams, _Ranking):
    """A similarity query of which the seed stands elsewhere: in the path, or in the body as audio."""

    def query(self, seeds: tuple[Seed, ...], lane: Lane = Lane.INTERACTIVE) -> SimilarQuery:
        """The question as the plane takes it."""
        return SimilarQuery(seeds, where=self.where(), constraints=self.keeping(), lane=lane, **self._ranking())


class SimilarUploadParams(SimilarParams):
    """A similarity query by audio."""

    lane: UploadLane = Lane.INTERACTIVE


class SeedBody(Options):
    """One ingredient of a query: exactly one of `track`, `embedding`, `prototype`, `tag` and `upload`."""

    model_config = ConfigDict(strict=True)

    track: TrackId | None = Field(None, description="id of a track")
    embedding: list[float] | None = Field(None, min_length=1, max_length=limits.MAX_DIM, description="a vector")
    prototype: Text | None = Field(None, description="id of a prototype")
    tag: Text | None = Field(None, description="the direction of the tracks that carry this tag")
    upload: bool = Field(False, description="the audio that comes with the request")
    weight: float = Field(
        1.0, ge=-limits.MAX_WEIGHT, le=limits.MAX_WEIGHT, description="above 0: more like this; below 0: less like that"
    )

    def seed(self) -> Seed:
        """The ingredient as the plane takes it."""
        embedding = None if self.embedding is None else float32(self.embedding)
        return Seed(self.track, embedding, self.prototype, self.tag, self.upload, self.weight)


Seeds = Annotated[list[SeedBody], Field(max_length=limits.MAX_SEEDS)]


class _Asked(Options):
    filter: FilterBody = Field(FilterBody(), description="which tracks may come")
    constraints: ConstraintsBody = Field(ConstraintsBody(), description="what the list must keep to")

    def _asked(self, seeds: list[SeedBody]) -> dict[str, Any]:
        told = tuple(one.seed() for one in seeds)
        return {"seeds": told, "where": self.filter.where(), "constraints": self.constraints.keeping()}


class SimilarBody(_Asked, _Ranking):
    """Which tracks are similar to these?"""

    model_config = ConfigDict(strict=True)

    seeds: Seeds = Field([], description="what to be similar to; absent means the upload")
    lane: UploadLane = Lane.INTERACTIVE

    def query(self, *, has_upload: bool = False) -> SimilarQuery:
        """The question as the plane takes it; without seeds it is about the upload."""
        asked = self._asked(self.seeds)
        if has_upload and not self.seeds:
            asked["seeds"] = UPLOAD
        return SimilarQuery(**asked, lane=self.lane, **self._ranking())


class PathParams(FilterParams, ConstraintParams):
    """A way from one track to another."""

    count: int = Field(10, ge=limits.MIN_PATH, le=limits.MAX_PATH, description="how many tracks, the two ends included")

    def query(self, start: str, end: str) -> PathQuery:
        """The question as the plane takes it."""
        return PathQuery(start, end, self.count, self.where(), self.keeping())


class PlaylistBody(_Asked):
    """An ordered list of tracks that begins near the seeds and flows."""

    model_config = ConfigDict(strict=True)

    seeds: Seeds = Field(description="what the list is about; an upload cannot be one")
    count: int = Field(25, ge=1, le=limits.MAX_PLAYLIST, description="how many tracks")
    diversity: Diversity = 0.2
    order: Order = Field(
        "smooth", description="`similarity`: best first; `smooth`: each track near the one before it; `random`"
    )
    artist_gap: int = Field(
        2, ge=0, le=limits.MAX_GAP, description="tracks of others between two of one artist, where there are enough"
    )
    include_seeds: bool = Field(True, description="begin with the seed tracks themselves")
    random_seed: int = Field(0, ge=0, le=limits.MAX_RANDOM_SEED, description="of the order `random`")

    def query(self) -> PlaylistQuery:
        """The question as the plane takes it."""
        names = ("count", "diversity", "order", "artist_gap", "include_seeds", "random_seed")
        return PlaylistQuery(**self._asked(self.seeds), **{name: getattr(self, name) for name in names})
