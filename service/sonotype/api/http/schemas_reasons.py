"""The reasons of an answer, for OpenAPI."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sonotype.api.http.body import Body
from sonotype.api.http.schemas_prototypes import AudioUrl, BadgeSummary, Offered, PrototypeId

Similarity = Annotated[
    float, Field(ge=0, le=1, description="exp(-gamma |z - p|^2), mean over patches", examples=[0.61])
]


class EvidenceBody(Body):
    """One prototype's additive share of one logit."""

    id: PrototypeId
    label: str = Field(description="the prototype's own class", examples=["cello"])
    evidence: float = Field(description="weight x (similarity - mean training similarity)", examples=[2.104417])
    similarity: Similarity
    audio_url: AudioUrl
    rendering: Offered


class LabelReasonsBody(Body):
    """Why a label has its logit: baseline + evidence of all in `for` and `against` + rest = logit."""

    label: str = Field(examples=["cello"])
    logit: float = Field(description="mean over patches, before temperature and softmax or sigmoid", examples=[2.9])
    baseline: float = Field(description="logit of an average training segment", examples=[0.41])
    pro: list[EvidenceBody] = Field(alias="for", description="largest share first")
    against: list[EvidenceBody] = Field(description="lowest share first")
    rest: float = Field(description="sum of the shares not listed", examples=[0.385583])


class NearestBody(Body):
    """A prototype near the clip."""

    id: PrototypeId
    label: str = Field(examples=["cello"])
    similarity: Similarity
    audio_url: AudioUrl
    rendering: Offered
    badge: BadgeSummary | None


class HeatBody(Body):
    """Similarity and evidence of the listed prototypes over time: one row per patch, one column per prototype."""

    label: str = Field(description="the winning class, whose evidence is shown", examples=["cello"])
    starts_s: list[float] = Field(examples=[[0.0, 2.992]])
    prototypes: list[str] = Field(examples=[["instruments-pecmae.cello.0"]])
    similarity: list[list[float]] = Field(examples=[[[0.7], [0.52]]])
    evidence: list[list[float]] = Field(examples=[[[2.4], [1.8]]])


class ReasonsBody(Body):
    """The evidence that decided the answer of a prototype model."""

    out_of_distribution: bool = Field(description="the clip is less like any prototype than 99 % of training segments")
    similarity_max: float = Field(
        description="similarity of the nearest prototype, median over the patches", examples=[0.61]
    )
    ood_threshold: float = Field(
        description="1 % quantile of `similarity_max` over the training segments", examples=[0.08]
    )
    labels: list[LabelReasonsBody] = Field(description="one per shown tag, in their order")
    nearest: list[NearestBody] = Field(description="most similar first")
    heat: HeatBody | None = Field(None, description="with timeline=true")
