"""A running service, asked over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx

from sonotype.cli.document import Document
from sonotype.core.errors import Code, SonotypeError

# An answer may take as long as the service allows.
_TIMEOUT = httpx.Timeout(10, read=None)


class BrokenError(SonotypeError):
    """The service was there, and its answer broke off."""


class Rest:
    """A running service. Every call raises the service's own code, or `unavailable` where it cannot be reached.

    Args:
        client: of the service.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """A whole answer; `sent` is what httpx takes: params, json, content, files, headers."""
        with self._reached():
            answer = await self._client.request(method, path, **sent)
        if answer.is_error:
            raise _error_of(answer)
        return answer

    async def document(self, method: str, path: str, **sent: Any) -> Document:
        """The body of a whole answer."""
        document: Document = (await self.ask(method, path, **sent)).json()
        return document

    @asynccontextmanager
    async def stream(self, method: str, path: str, **sent: Any) -> AsyncIterator[httpx.Response]:
        """An answer whose body is still to come; it is read within the context."""
        with self._reached():
            async with self._client.stream(method, path, **sent) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise _error_of(answer)
                yield answer

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            detail = f"{self._client.base_url} cannot be reached ({type(error).__name__})."
            broken = isinstance(error, httpx.ReadError | httpx.RemoteProtocolError)
            raise (BrokenError if broken else SonotypeError)(Code.UNAVAILABLE, detail) from None


@asynccontextmanager
async def open_rest(server: str, api_key: str | None) -> AsyncIterator[Rest]:
    """A service, for as long as the context is open."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    async with httpx.AsyncClient(base_url=server, headers=headers, timeout=_TIMEOUT) as client:
        yield Rest(client)


def _error_of(answer: httpx.Response) -> SonotypeError:
    try:
        problem = answer.json()
        retry_after = answer.headers.get("retry-after", "")
        after_s = float(retry_after) if retry_after.isdigit() else None
        return SonotypeError(Code(problem["code"]), str(problem["detail"]), retry_after_s=after_s)
    except (ValueError, KeyError, TypeError):
        return SonotypeError(Code.UNAVAILABLE, f"the answer was HTTP {answer.status_code} and no problem document.")
