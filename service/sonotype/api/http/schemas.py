"""The bodies of answers, for OpenAPI. Nothing is rendered through these models: they document and test."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from sonotype.api.http.body import Body
from sonotype.api.http.schemas_prototypes import PrototypeModel
from sonotype.api.http.schemas_reasons import ReasonsBody
from sonotype.api.http.schemas_tagger_models import DecidedByBody, TaggerModelBody
from sonotype.core.errors import TABLE, Code
from sonotype.core.types import EmbeddingScope, Quality, ShortPolicy, TailPolicy, Task

Score = Annotated[float, Field(ge=0, le=1)]


class Clip(Body):
    """What the decoder saw, counted on decoded samples and never taken from a header."""

    sha256: str = Field(description="hash of the uploaded bytes", examples=["9f86d081884c7d65…"])
    format: str = Field(description="container, found by content", examples=["mp3"])
    sample_rate_hz: int = Field(description="rate of the upload", examples=[44100])
    channels: int = Field(description="channels of the upload", examples=[2])
    duration_s: float = Field(description="seconds analysed, after the crop", examples=[29.98])
    truncated: bool = Field(description="the stream broke off; what came before was analysed")
    clipped: bool = Field(description="at least 0.1 % of the samples reach full scale")
    silent: bool = Field(description="the peak lies below -80 dBFS")


class Patches(Body):
    """How the clip was cut, so that nothing is dropped in silence."""

    count: int = Field(examples=[9])
    length_s: float = Field(examples=[2.992])
    hop_s: float = Field(examples=[2.992])
    tail: TailPolicy
    short: ShortPolicy
    dropped_s: float = Field(description="seconds at the end that no patch covers")
    filled_s: float = Field(description="seconds of the last patch that are repetition or padding")
    overlap_s: float = Field(description="seconds that a last patch moved back to the end shares with the one before")


class Patchout(Body):
    """What is left out of each patch: first all but every so-many-th column and row, then so many more."""

    time_every: int = Field(examples=[4])
    freq_every: int = Field(examples=[1])
    time_drop: int = Field(examples=[0])
    freq_drop: int = Field(examples=[0])
    seed: int | None = Field(description="none where they are evenly spaced")


class Tag(Body):
    """A label with its score, the mean over the patches; a last patch that was moved back counts by what it adds."""

    label: str = Field(examples=["guitar"])
    score: float = Field(examples=[0.482113], description="a probability; of a regression a value without bounds")
    group: str | None = Field(None, description="of the label; only of models whose labels have groups")


class Timeline(Body):
    """The shown tags over time (the taggram): one row per patch, one column per label."""

    starts_s: list[float] = Field(examples=[[0.0, 2.992]])
    labels: list[str] = Field(examples=[["guitar", "rock"]])
    scores: list[list[float]] = Field(examples=[[[0.51, 0.32], [0.45, 0.38]]])


class Embedding(Body):
    """One vector per clip or one per patch."""

    name: str = Field(examples=["penultimate"])
    dim: int = Field(examples=[200])
    scope: EmbeddingScope
    encoding: Literal["json", "base64", "npy"]
    values: list[float] | list[list[float]] | None = Field(None, description="with encoding=json")
    data: str | None = Field(None, description="with encoding=base64 or npy; rows of patches follow each other")


class Result(Body):
    """What one model said about the clip."""

    model: str = Field(examples=["musicnn-msd@1"])
    model_sha256: str
    frontend: str = Field(examples=["musicnn"])
    precision: str = Field(examples=["fp32"])
    quality: Quality = Field(description="what was asked for; `full` where the model knows nothing else")
    patchout: Patchout | None = Field(description="what was left out of each patch")
    cached: bool
    task: Task = Field(description="what the tags are: of which one applies, of which any apply, or values")
    patches: Patches
    tags: list[Tag] = Field(description="best first; of a regression all, in the order of its labels")
    timeline: Timeline | None = None
    embeddings: list[Embedding] | None = None
    reasons: ReasonsBody | None = Field(None, description="of a prototype model, unless `reasons_top_k` is 0")
    decided_by: DecidedByBody | None = Field(None, description="of a tagger, unless `reasons_top_k` is 0")


class AnalysisBody(Body):
    """The clip and one result per model, in the order asked."""

    request_id: str
    clip: Clip
    results: list[Result]


class PatchShape(Body):
    """How a model's patches are cut unless a request says otherwise."""

    length_s: float
    hop_s: float
    tail: TailPolicy
    short: ShortPolicy


class PatchGrid(Body):
    """The patches of a whole window, of which `patchout_time` counts columns and `patchout_freq` rows."""

    rows: int = Field(examples=[9])
    columns: int = Field(examples=[187])


class QualityInfo(Body):
    """What a quality means for a model."""

    quality: Quality
    patchout: Patchout | None = Field(description="none where nothing is left out")
    cost: float = Field(description="share of the cost of `full`, as it is counted for admission", examples=[0.2])


class EmbeddingInfo(Body):
    """An embedding that a model offers; the first of a model is its default."""

    name: str
    dim: int
    description: str
    pool: Literal["mean", "max"]


class Licence(Body):
    """Terms of the weights."""

    spdx: str = Field(examples=["ISC"])
    commercial: bool
    holder: str
    url: str


class HeadModel(Body):
    """What only a transfer head has."""

    backbone: str = Field(description="the model whose embedding it stands on", examples=["musicnn-msd"])
    embedding: str = Field(examples=["penultimate"])
    task: Task = Field(description="`regression` predicts values without bounds, the others probabilities")
    positive: str | None = Field(description="of two classes the one that it is named after", examples=["happy"])
    temperature: float = Field(description="probabilities are softmax or sigmoid of outputs / temperature")
    layers: list[int] = Field(description="units of each layer", examples=[[100, 2]])


class ModelBody(Body):
    """A model's card together with its state in this deployment."""

    kind: Literal["network", "prototypes", "head", "tagger"] = Field(
        description="`prototypes`: classes decided by prototypes on the embedding of another model, with reasons; "
        "`head`: a few layers on the embedding of another model; `tagger`: taught by tracks of the catalogue"
    )
    name: str = Field(examples=["musicnn-msd"])
    version: str = Field(examples=["1"])
    title: str
    description: str
    default: bool = Field(description="used when a request names no model")
    pulled: bool = Field(description="the weights are on this machine")
    served: bool = Field(description="requests are accepted for it")
    precision: str | None
    sample_rate_hz: int | None = Field(examples=[16000], description="a head has its backbone's, if known")
    patch: PatchShape | None = Field(description="a head has its backbone's, if known")
    labels: list[str] = Field(examples=[["rock", "pop", "alternative"]])
    groups: dict[str, list[str]] = Field(description="labels by group; empty where the model has no groups")
    qualities: list[QualityInfo] = Field(description="none where the model knows only one")
    grid: PatchGrid | None = Field(description="none where nothing can be left out")
    embeddings: list[EmbeddingInfo]
    frontends: list[str] = Field(description="the first is the default")
    weights_sha256: str
    licence: Licence
    citation: str
    prototypes: PrototypeModel | None = Field(None, description="what only a prototype model has")
    head: HeadModel | None = Field(None, description="what only a transfer head has")
    tagger: TaggerModelBody | None = Field(None, description="what only a tagger has")


class ModelsBody(Body):
    """Every model, sorted by name."""

    models: list[ModelBody]


class ReadinessBody(Body):
    """Whether requests can be answered now."""

    ready: bool
    workers_up: int
    workers_wanted: int
    draining: bool
    cache: str
    problems: list[str]
    catalog: str


class Problem(Body):
    """RFC 9457 problem. `code` is stable; `detail` is for people."""

    type: str = Field(examples=["urn:sonotype:problem:audio_too_long"])
    title: str = Field(examples=["The audio is too long"])
    status: int = Field(examples=[413])
    detail: str = Field(examples=["At most 3600 s of audio are accepted."])
    code: Code = Field(examples=["audio_too_long"])
    request_id: str
    retryable: bool


def problems(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """OpenAPI answers for the statuses of `codes`."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(TABLE[code].http, []).append(code.value)
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": "`" + "`, `".join(names) + "`",
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status, names in sorted(by_status.items())
    }
