"""The bodies that concern prototypes, for OpenAPI: lists, one, the decoder of a model."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sonotype.api.http.body import Body
from sonotype.api.prototypes import Verdict
from sonotype.models.heads.provenance import Criterion
from sonotype.plane.sonification import RenderingKind

_ID = "instruments-pecmae.cello.0"
_URL = f"/v1/prototypes/{_ID}/audio"

PrototypeId = Annotated[str, Field(description="`<model>.<class>.<number>`", examples=[_ID])]
AudioUrl = Annotated[str | None, Field(description="plays what is offered for it; null: nothing", examples=[_URL])]
Offered = Annotated[RenderingKind | None, Field(description="what `audio_url` plays: decoded, or the real segment")]


class BadgeSummary(Body):
    """Whether the decoded prototype passed the faithfulness gate, and in what it fell short."""

    passed: bool
    failed: list[Criterion]


class SeedScoreBody(Body):
    """One sonification, embedded again."""

    seed: int
    noise: int = Field(description="seed of the noise that was kept of several, else the seed itself")
    cosine: float = Field(description="to the embedding it was made from, both z-scored")
    rank: int = Field(description="place of the right prototype among all by that cosine; 1 is best")
    classifier: str = Field(description="the class that the model gives it")
    judge: str = Field(description="the class that an independent classifier gives it")


class BadgeBody(Body):
    """The faithfulness gate's verdict on the sonifications of one embedding, over all seeds."""

    passed: bool
    tries: int = Field(description="of so many sonifications per seed the one nearest to its embedding was kept")
    failed: list[Criterion] = Field(description="criteria in which it falls short")
    cosine: float = Field(description="mean over seeds", examples=[0.72])
    ceiling: float = Field(description="what a real segment keeps through the codec alone", examples=[0.9])
    share: float = Field(description="cosine / ceiling", examples=[0.8])
    retrieval: float = Field(description="share of seeds for which the right prototype is nearest")
    classifier: float = Field(description="share of seeds that the model gives the right class")
    judge: float = Field(description="share of seeds that the independent classifier gives the right class")
    seeds: float = Field(description="mean cosine between seeds")
    null_other: float = Field(description="cosine of sonifications of another class: must be clearly lower")
    null_zero: float = Field(description="cosine of sonifications of no embedding: must be clearly lower")
    scores: list[SeedScoreBody]


class SegmentBody(Body):
    """A real training segment."""

    file: str = Field(examples=["cello-017.wav"])
    offset_s: float
    label: str = Field(examples=["cello"])
    source: str = Field(examples=["recorded samples"])
    licence: str = Field(examples=["CC0-1.0"])
    distance: float = Field(description="to the prototype, in z-scored embedding space")


class ProvenanceBody(Body):
    """Where a prototype comes from."""

    medoid: SegmentBody = Field(description="the nearest training segment of its class")
    neighbours: list[SegmentBody] = Field(description="nearest first")
    purity: float = Field(description="share of the neighbours with its label", examples=[0.95])
    share: float = Field(description="share of its class's segments that it is nearest to", examples=[0.34])


class RenderingBody(Body):
    """One piece of audio of a prototype."""

    kind: RenderingKind = Field(
        description="`prototype`: decoded; `medoid`: the decoded embedding of the nearest real segment; "
        "`segment`: that segment itself"
    )
    seed: int | None = Field(description="of the decoder; null for the real segment")
    url: str = Field(examples=[f"{_URL}?kind=prototype&seed=0"])


class PrototypeSummary(Body):
    """One prototype in a list."""

    id: PrototypeId
    model: str = Field(examples=["instruments-pecmae@1"])
    label: str = Field(examples=["cello"])
    verdict: Verdict = Field(
        description="`passed` the gate; `replaced` by the real segment; `failed`, but there is no segment; `ungated`; "
        "`silent`: nothing plays"
    )
    audio_url: AudioUrl
    rendering: Offered
    badge: BadgeSummary | None
    purity: float | None = Field(examples=[0.95])
    share: float | None = Field(examples=[0.34])


class PrototypesBody(Body):
    """Prototypes by model, class and number."""

    prototypes: list[PrototypeSummary]


class PrototypeBody(Body):
    """Everything about one prototype."""

    id: PrototypeId
    model: str = Field(examples=["instruments-pecmae@1"])
    label: str = Field(examples=["cello"])
    verdict: Verdict
    note: str = Field(description="the verdict as a sentence")
    audio_url: AudioUrl
    offered: RenderingBody | None = Field(description="what `audio_url` plays")
    renderings: list[RenderingBody] = Field(description="everything that can be played")
    badge: BadgeBody | None = Field(description="of the decoded prototype")
    decoded_medoid: BadgeBody | None = Field(description="badge of the decoded medoid, for comparison")
    provenance: ProvenanceBody | None


class DecoderBody(Body):
    """What turns an embedding of the model into audio."""

    family: str = Field(examples=["flow-mel"])
    n_parameters: int
    sample_rate_hz: int = Field(examples=[16000])
    segment_s: float = Field(description="length of one sonification", examples=[4.096])
    dim: int = Field(description="numbers of the embedding", examples=[200])
    steps: int = Field(description="of the sampler, unless a request says otherwise")
    guidance: float = Field(description="strength of the condition, unless a request says otherwise")
    sha256: str | None


class PrototypeModel(Body):
    """What only a prototype model has."""

    backbone: str = Field(description="the model whose embedding it stands on", examples=["musicnn-msd"])
    embedding: str = Field(examples=["penultimate"])
    n_prototypes: int | None = Field(description="null where it is not served", examples=[50])
    multilabel: bool
    temperature: float = Field(description="probabilities are softmax or sigmoid of logits / temperature")
    seeds: list[int] = Field(description="sonifications that are rendered for every prototype", examples=[[0, 1, 2]])
    decoder: DecoderBody | None
