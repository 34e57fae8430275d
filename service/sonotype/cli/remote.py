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
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    asked = params.model_dump(mode="json", exclude_defaults=True)
    async with httpx.AsyncClient(base_url=server, headers=headers, timeout=httpx.Timeout(10, read=None)) as client:

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
                raise _error_of(answer)
            document: dict[str, Any] = answer.json()
            return document

        yield analyze_file


def _error_of(answer: httpx.Response) -> SonotypeError:
    try:
        problem = answer.json()
        return SonotypeError(Code(problem["code"]), str(problem["detail"]))
    except (ValueError, KeyError, TypeError):
        return SonotypeError(Code.UNAVAILABLE, f"the answer was HTTP {answer.status_code} and no problem document.")
