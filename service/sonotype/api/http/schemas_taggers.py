"""The bodies of the taggers' answers, for OpenAPI. Nothing is rendered through these models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sonotype.api.http.body import Body
from sonotype.api.http.schemas_catalog import Moment, TrackId


class TaggerInfoBody(Body):
    """A tagger as it stands."""

    name: str = Field(examples=["moods"])
    model: str = Field(description="`tagger:` and its name", examples=["tagger:moods"])
    labels: list[str]
    generation: str = Field(description="of the catalogue, whose embeddings it reads")
    method: str = Field(examples=["entropy"])
    budget: int = Field(description="prototypes that it may have")
    k: int = Field(description="prototypes that are asked")
    created_at: Moment
    version: int = Field(description="the newest; 1 is the tagger as it was fitted")
    tracks: int = Field(description="that it learnt from")
    prototypes: int = Field(description="there are now")
    corrections: int = Field(description="that count now")
    stale: bool = Field(description="the catalogue searches another generation by now")


class FittingBody(Body):
    """A tagger that is being made."""

    name: str
    phase: Literal["reading", "fitting"]
    tracks: int = Field(description="read so far")


class TaggersBody(Body):
    """All taggers, sorted by name."""

    taggers: list[TaggerInfoBody]
    fitting: list[FittingBody]


class TaggerTag(Body):
    """A label with its score."""

    label: str
    score: float = Field(ge=0, le=1, description="mean of the Beta posteriors of the prototypes")
    shares: list[float] = Field(description="of the score, by prototype in the order of `prototypes`")


class NearPrototype(Body):
    """A prototype that was asked."""

    prototype: int
    distance: float = Field(description="Euclidean, between unit vectors: 0 to 2")
    members: int = Field(description="tracks that it stands for")
    examples: list[TrackId] = Field(description="those of them that lie nearest: what decided")


class TaggerAnswer(Body):
    """What a tagger says of one track, embedding or upload."""

    track: TrackId | None
    tags: list[TaggerTag]
    prototypes: list[NearPrototype] = Field(description="nearest first")
    percentile: float | None = Field(description="share of known tracks that lie nearer to their prototype, 0 to 1")
    far: bool = Field(description="far from anything known: the percentile is 0.99 or more")


class TaggedBody(Body):
    """Labels with reasons, in the order asked."""

    request_id: str
    tagger: str
    version: int
    stale: bool
    answers: list[TaggerAnswer]


class ChangeBody(Body):
    """One change of a tagger; what is not part of its kind is null."""

    version: int = Field(description="that it made")
    kind: Literal["feedback", "undo", "rollback"]
    at: Moment
    event: str | None
    track: str | None
    label: str | None
    is_: bool | None = Field(alias="is")
    split: bool = Field(description="a part was split")
    merged: bool = Field(description="two parts became one")
    target: int | None = Field(description="for undo and rollback, the version whose state is back")


class TaggerOutcomeBody(ChangeBody):
    """What became of a change; durable when this arrives."""

    prototypes: int = Field(description="there are now")
    replayed: bool = Field(description="the same event had been taken before")


class TaggerVersionsBody(Body):
    """The newest changes first."""

    current: int
    versions: list[ChangeBody]


class TaggerSize(Body):
    """What a budget is worth."""

    share: float = Field(description="of the tracks, as budget")
    prototypes: float = Field(description="mean of the folds")
    mean_average_precision: float | None = Field(description="on tracks left out; null where nothing can be measured")


class TaggerDoubt(Body):
    """A label of a track that its neighbourhood contradicts."""

    track: TrackId
    label: str
    is_: bool = Field(alias="is", description="what is known of it")
    agreement: float = Field(description="share of the neighbours' votes that say the same")


class TaggerReportBody(Body):
    """How good a tagger is on its own tracks."""

    tagger: TaggerInfoBody
    tracks: int = Field(description="that the curve was drawn from")
    artists: int = Field(description="known among them; tracks of one are never on both sides")
    sizes: list[TaggerSize]
    doubts: list[TaggerDoubt] = Field(description="the most doubtful first")
    doubted: int = Field(description="in all")
