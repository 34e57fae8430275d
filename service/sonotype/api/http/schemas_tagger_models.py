"""Taggers among the other models, for OpenAPI."""

from __future__ import annotations

from pydantic import Field

from sonotype.api.http.body import Body
from sonotype.api.http.schemas_taggers import NearPrototype


class TaggerModelBody(Body):
    """What only a tagger has."""

    backbone: str = Field(description="the model whose embedding it reads", examples=["musicnn-msd"])
    embedding: str = Field(examples=["penultimate"])
    generation: str = Field(description="of the catalogue, whose embeddings it reads")
    tracks: int = Field(description="that it learnt from")
    prototypes: int = Field(description="there are now")
    corrections: int = Field(description="that count now")
    stale: bool = Field(description="the catalogue searches another generation by now")


class SharesBody(Body):
    """Who made the score of a label."""

    label: str = Field(examples=["calm"])
    shares: list[float] = Field(description="of the score, by prototype in the order of `prototypes`")


class DecidedByBody(Body):
    """What decided the answer of a tagger."""

    far: bool = Field(description="far from anything known: the percentile is 0.99 or more")
    percentile: float | None = Field(description="share of known tracks that lie nearer to their prototype")
    prototypes: list[NearPrototype] = Field(description="nearest first, at most `reasons_top_k`")
    labels: list[SharesBody] = Field(description="one per shown tag, in their order")
