"""The same analysis asked of a running service over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sonotype.api.params import AnalyzeParams
from sonotype.cli.document import Document
from sonotype.cli.rest import open_rest
from sonotype.core.types import Upload


@asynccontextmanager
async def open_remote(
    server: str, api_key: str | None, params: AnalyzeParams
) -> AsyncIterator[Callable[[Upload], Awaitable[Document]]]:
    """A function that posts one upload and returns the service's document.

    Raises:
        SonotypeError: the service's own code, or `unavailable` when it cannot be reached.
    """
    asked = params.model_dump(mode="json", exclude_defaults=True)
    headers = {"Content-Type": "application/octet-stream"}
    async with open_rest(server, api_key) as rest:

        async def analyze_file(upload: Upload) -> Document:
            return await rest.document("POST", "/v1/analyze", params=asked, content=upload.data, headers=headers)

        yield analyze_file
