"""API keys on the REST face; the plane compares them in constant time."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from sonotype.api.http.context import plane_of
from sonotype.api.identity import api_key


async def authenticated(request: Request) -> str | None:
    """Client id of the caller; `None` where the service is open. Raises `unauthenticated`."""
    return plane_of(request).authenticate(api_key(request.headers))


Client = Annotated[str | None, Depends(authenticated)]
