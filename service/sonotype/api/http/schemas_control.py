"""What loading, rolling back and unloading a model answers."""

from __future__ import annotations

from pydantic import Field

from sonotype.api.http.schemas import ModelBody


class ModelChangeBody(ModelBody):
    """The model as it is now, and what was served before."""

    previous: str | None = Field(description="the version that was served before the call, if one was", examples=["1"])
