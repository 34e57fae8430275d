"""What is asked for when a model is loaded: the same on every face."""

from __future__ import annotations

from pydantic import Field

from sonotype.api.options import Options


class LoadBody(Options):
    """Which version to load."""

    version: str | None = Field(
        None,
        pattern=r"^[0-9]+(\.[0-9]+)*$",
        max_length=80,
        description="a version, which is kept until another is asked for; absent means the newest",
        examples=["2"],
    )
