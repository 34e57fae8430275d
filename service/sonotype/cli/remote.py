"""The same analysis asked of a running service over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from sonotype.api.params import AnalyzeParams
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Upload


@asynccontextmanager
async def open_remote(
    server: str, api_key: str | None, params: AnalyzeParams
) -> AsyncIterator[Callable[[Upload], Awaitable[dict[str, Any]]]]:
    """A function that posts one upload and returns the service's document.

    Raises:
        SonotypeError: the service's own code, or `unavailable` when it cannot be reached.
    """
    asked = params.model_dump(mode="json", exclude_defaults=True)
    async with open_client(server, api_key) as client:

        async def analyze_file(upload: Upload) -> dict[str, Any]:
            try:
                answer = await client.post(
                    "/v1/analyze",
                    params=asked,
                    content=upload.data,
                    headers={"Content-Type": "application/octet-stream"},
                )
            except httpx.HTTPError as error:
                detail = f"{server} cannot be reached ({type(error).__name__})."
                raise SonotypeError(Code.UNAVAILABLE, detail) from None
            if answer.is_error:
                raise error_of(answer)
            document: dict[str, Any] = answer.json()
            return document

        yield analyze_file


def open_client(server: str, api_key: str | None) -> httpx.AsyncClient:
    """A client of a service; an answer may take as long as the service allows."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    return httpx.AsyncClient(base_url=server, headers=headers, timeout=httpx.Timeout(10, read=None))


def error_of(answer: httpx.Response) -> SonotypeError:
    """The error that an answer stands for."""
    try:
        problem = answer.json()
        retry_after = answer.headers.get("retry-after", "")
        after_s = float(retry_after) if retry_after.isdigit() else None
        return SonotypeError(Code(problem["code"]), str(problem["detail"]), retry_after_s=after_s)
    except (ValueError, KeyError, TypeError):
        return SonotypeError(Code.UNAVAILABLE, f"the answer was HTTP {answer.status_code} and no problem document.")
