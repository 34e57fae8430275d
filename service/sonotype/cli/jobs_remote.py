"""Jobs of a running service, over REST; the documents are those of its answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from sonotype.cli.remote import error_of, open_client
from sonotype.core.errors import Code, SonotypeError

Document = dict[str, Any]
_PAGE = 200
_AGAIN_S = 1.0


class JobCalls:
    """What can be asked of `/v1/jobs`. Every method raises the service's own code, or `unavailable`.

    Args:
        client: of the service.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def start(self, body: Document) -> Document:
        """Queue a job."""
        return await self._asked("POST", "/v1/jobs", json=body)

    async def job(self, job_id: str) -> Document:
        """One job."""
        return await self._asked("GET", _url(job_id))

    async def cancel(self, job_id: str) -> Document:
        """Stop a job."""
        return await self._asked("POST", f"{_url(job_id)}/cancel")

    def jobs(self) -> AsyncIterator[Document]:
        """All jobs, newest first."""
        return self._pages("/v1/jobs", "jobs", {})

    def files(self, job_id: str, state: str | None = None) -> AsyncIterator[Document]:
        """Files of a job in its order."""
        return self._pages(f"{_url(job_id)}/files", "files", {"state": state} if state else {})

    async def watch(self, job_id: str) -> AsyncIterator[Document]:
        """The job now and whenever it has moved, until it ends; a broken connection is made anew."""
        while True:
            async for job in self._events(job_id):
                yield job
                if job["final"]:
                    return
            await asyncio.sleep(_AGAIN_S)  # the connection broke; whether the service is there, the next call says

    async def _events(self, job_id: str) -> AsyncIterator[Document]:
        with self._reached(), contextlib.suppress(httpx.ReadError, httpx.RemoteProtocolError):
            async with self._client.stream("GET", f"{_url(job_id)}/events") as answer:
                if answer.is_error:
                    await answer.aread()
                    raise error_of(answer)
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        yield json.loads(line.removeprefix("data:"))

    async def _pages(self, path: str, name: str, params: dict[str, str]) -> AsyncIterator[Document]:
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = await self._asked("GET", path, params={"limit": str(_PAGE), **params, **more})
            for document in page[name]:
                yield document
            if (cursor := page["cursor"]) is None:
                return

    async def _asked(self, method: str, path: str, **sent: Any) -> Document:
        with self._reached():
            answer = await self._client.request(method, path, **sent)
        if answer.is_error:
            raise error_of(answer)
        document: Document = answer.json()
        return document

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            detail = f"{self._client.base_url} cannot be reached ({type(error).__name__})."
            raise SonotypeError(Code.UNAVAILABLE, detail) from None


@asynccontextmanager
async def open_job_calls(server: str, api_key: str | None) -> AsyncIterator[JobCalls]:
    """Calls to a service, for as long as the context is open."""
    async with open_client(server, api_key) as client:
        yield JobCalls(client)


def _url(job_id: str) -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}"
