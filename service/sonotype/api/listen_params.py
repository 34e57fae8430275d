"""The options of a live session, the same names, limits and defaults on every face."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sonotype.api.options import Options
from sonotype.api.params import MAX_NAMES, Name
from sonotype.core.types import Quality
from sonotype.plane.live.query import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ, AudioIn, ListenQuery, StreamFormat
from sonotype.plane.query import AnalyzeQuery

MAX_SMOOTHING_S = 60.0


class ListenParams(Options):
    """What to listen to, and what to tell of it."""

    models: list[Name] = Field(
        [], max_length=MAX_NAMES, description="names or `name@version`; none means the default model"
    )
    hop_s: float | None = Field(None, gt=0, description="seconds between answers; absent means 0.5")
    smoothing_s: float = Field(
        0.0, ge=0, le=MAX_SMOOTHING_S, description="time constant of the exponential mean over answers; 0 means none"
    )
    top_k: Annotated[int, Field(ge=0, le=100_000)] | Literal["all"] = Field(
        10, description="tags to show per model, best first, or `all`"
    )
    threshold: float = Field(0.0, ge=0, le=1, description="tags with a lower smoothed score are not shown")
    quality: Quality = Field("full", description="how much of each patch a transformer sees: less costs less")
    frontend: Name | None = Field(None, description="a front end variant of the model")
    format: StreamFormat = Field(
        "encoded",
        description="raw little-endian samples, interleaved, or `encoded`: WebM, Ogg, MP3, AAC, FLAC or WAV",
    )
    sample_rate_hz: int | None = Field(None, ge=MIN_RATE_HZ, le=MAX_RATE_HZ, description="of raw samples")
    channels: int = Field(1, ge=1, le=MAX_CHANNELS, description="of raw samples")

    @model_validator(mode="after")
    def _rate_fits(self) -> Self:
        if self.format != "encoded" and self.sample_rate_hz is None:
            raise ValueError("raw samples need sample_rate_hz")
        if self.format == "encoded" and {"sample_rate_hz", "channels"} & self.model_fields_set:
            raise ValueError("an encoded stream says its own sample rate and channels")
        return self

    def query(self, client: str | None = None) -> ListenQuery:
        """The session as the plane takes it."""
        analysis = AnalyzeQuery(
            models=tuple(self.models),
            top_k=None if self.top_k == "all" else self.top_k,
            threshold=self.threshold,
            hop_s=self.hop_s,
            tail="drop",
            quality=self.quality,
            frontend=self.frontend,
            client=client,
        )
        return ListenQuery(analysis, AudioIn(self.format, self.sample_rate_hz or 0, self.channels), self.smoothing_s)
