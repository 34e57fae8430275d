"""What the documented bodies of answers have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A body of which every field is named."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=(), serialize_by_alias=True)
