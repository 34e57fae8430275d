"""The options of a request, the same names, limits and defaults on every face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Crop, EmbeddingScope, Lane, Quality, TailPolicy
from sonotype.plane.query import AnalyzeQuery

Encoding = Literal["json", "base64", "npy"]
Name = Annotated[str, Field(min_length=1, max_length=128)]
Count = Annotated[int, Field(ge=0, le=100_000)]
MAX_NAMES = 16
MAX_SEED = 2**31 - 1


class ModelParams(BaseModel):
    """Which models, which part of the clip, how it is cut, and how long the caller waits."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: list[Name] = Field(
        [],
        max_length=MAX_NAMES,
        description="`name` or `name@version`, repeatable; a tagger is `tagger:name`; none means the default model",
    )
    offset_s: float = Field(0.0, ge=0, description="start of the part to analyse, in seconds")
    duration_s: float | None = Field(None, gt=0, description="length of that part; absent means to the end")
    hop_s: float | None = Field(None, gt=0, description="seconds between patches; absent means the model's own")
    tail: TailPolicy | None = Field(None, description="what to do with the audio after the last whole patch")
    quality: Quality = Field(
        "full",
        description="how much of each patch a transformer sees: less costs less. Models that cannot leave anything out "
        "take every quality for `full`",
    )
    patchout_time: Count = Field(0, description="columns (time) of the model's patch grid to leave out besides")
    patchout_freq: Count = Field(0, description="rows (frequency) to leave out besides")
    patchout_seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = Field(
        None, description="leave out random columns and rows instead of evenly spaced ones, the same for the same seed"
    )
    frontend: Name | None = Field(None, description="a front end variant of the model")
    lane: Lane = Field(Lane.INTERACTIVE, description="the queue to wait in; bulk work yields to interactive work")
    timeout_s: float | None = Field(
        None, gt=0, description="deadline from the end of the upload; also as header `X-Request-Timeout`"
    )
    cache: Literal["use", "bypass"] = Field(
        "use", description="`bypass` computes afresh; so does the header `Cache-Control: no-store`"
    )

    def common(self) -> dict[str, Any]:
        """The arguments of `AnalyzeQuery` that every request has."""
        return {
            "models": tuple(self.model),
            "crop": Crop(self.offset_s, self.duration_s),
            "hop_s": self.hop_s,
            "tail": self.tail,
            "quality": self.quality,
            "patchout_time": self.patchout_time,
            "patchout_freq": self.patchout_freq,
            "patchout_seed": self.patchout_seed,
            "frontend": self.frontend,
            "lane": self.lane,
            "timeout_s": self.timeout_s,
            "use_cache": self.cache == "use",
        }


class TagParams(ModelParams):
    """Options of a request for tags."""

    top_k: Annotated[int, Field(ge=0, le=100_000)] | Literal["all"] = Field(
        10, description="tags to show per model, best first, or `all`"
    )
    threshold: float = Field(0.0, ge=0, le=1, description="tags with a lower score are not shown")
    timeline: bool = Field(False, description="show how the shown tags change over time")

    def query(self) -> AnalyzeQuery:
        """The request as the plane takes it."""
        return AnalyzeQuery(**self.common(), **self._shown_tags(), reasons_top_k=0)

    def _shown_tags(self) -> dict[str, Any]:
        top_k = None if self.top_k == "all" else self.top_k
        return {"top_k": top_k, "threshold": self.threshold, "timeline": self.timeline}


class EmbeddingParams(ModelParams):
    """Options of a request for embeddings."""

    embeddings: list[Name] = Field(
        ["default"],
        min_length=1,
        max_length=MAX_NAMES,
        description="names of embeddings; `default` is the model's first",
    )
    embedding_scope: EmbeddingScope = Field("clip", description="one vector per clip or one per patch")
    encoding: Encoding = Field(
        "json",
        description="`json` numbers, `base64` of little-endian float32, or `npy`: the bytes of one NumPy file",
    )

    def query(self) -> AnalyzeQuery:
        """The request as the plane takes it; no tags are shown."""
        names = tuple(self.embeddings)
        shown: dict[str, Any] = {"embeddings": names, "embedding_scope": self.embedding_scope}
        return AnalyzeQuery(**self.common(), top_k=0, reasons_top_k=0, **shown)


class AnalyzeParams(TagParams):
    """Options of a request for everything."""

    reasons_top_k: Annotated[int, Field(ge=0, le=100_000)] | Literal["all"] = Field(
        5,
        description="prototypes to show for and against each shown label, strongest first, or `all`; 0 leaves the "
        "reasons out. Only prototype models and taggers have reasons",
    )
    embeddings: list[Name] = Field(
        [], max_length=MAX_NAMES, description="names of embeddings to show; `default` is the model's first"
    )
    embedding_scope: EmbeddingScope = Field("clip", description="one vector per clip or one per patch")
    encoding: Encoding = Field(
        "json",
        description="`json` numbers, `base64` of little-endian float32, or `npy`: base64 of a NumPy file",
    )

    def query(self) -> AnalyzeQuery:
        """The request as the plane takes it."""
        shown: dict[str, Any] = {"embeddings": tuple(self.embeddings), "embedding_scope": self.embedding_scope}
        shown["reasons_top_k"] = None if self.reasons_top_k == "all" else self.reasons_top_k
        return AnalyzeQuery(**self.common(), **self._shown_tags(), **shown)


def parse_params(values: Mapping[str, Any]) -> AnalyzeParams:
    """Validate options that did not come through FastAPI.

    Raises:
        SonotypeError: `invalid_request`, naming what is wrong.
    """
    try:
        return AnalyzeParams.model_validate(values)
    except ValidationError as error:
        raise SonotypeError(Code.INVALID_REQUEST, say_errors(error.errors(include_input=False))) from None


def say_errors(errors: Any, *, placed: bool = False) -> str:
    """One sentence from pydantic's list of errors; names that a client made up are cut and escaped.

    Args:
        errors: as pydantic gives them.
        placed: each location begins with the part of the request (`query`, `header` ...), which is left out.
    """
    parts = [f"{_where(error['loc'][1:] if placed else error['loc'])}{error['msg']}" for error in list(errors)[:5]]
    return "; ".join(parts) + "."


def _where(location: tuple[int | str, ...]) -> str:
    name = ascii(".".join(str(part) for part in location)[:64]).strip("'")
    return f"{name}: " if name else ""
