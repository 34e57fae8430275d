"""Jobs of a running service, over REST; the documents are those of its answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

from sonotype.cli.document import Document
from sonotype.cli.rest import BrokenError, Rest, open_rest

_PAGE = 200
_AGAIN_S = 1.0


class JobCalls:
    """What can be asked of `/v1/jobs`. Every method raises as `Rest`."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def start(self, body: Document) -> Document:
        """Queue a job."""
        return await self._rest.document("POST", "/v1/jobs", json=body)

    async def job(self, job_id: str) -> Document:
        """One job."""
        return await self._rest.document("GET", _url(job_id))

    async def cancel(self, job_id: str) -> Document:
        """Stop a job."""
        return await self._rest.document("POST", f"{_url(job_id)}/cancel")

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
        with contextlib.suppress(BrokenError):
            async with self._rest.stream("GET", f"{_url(job_id)}/events") as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        yield json.loads(line.removeprefix("data:"))

    async def _pages(self, path: str, name: str, params: dict[str, str]) -> AsyncIterator[Document]:
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = await self._rest.document("GET", path, params={"limit": str(_PAGE), **params, **more})
            for document in page[name]:
                yield document
            if (cursor := page["cursor"]) is None:
                return


@asynccontextmanager
async def open_job_calls(server: str, api_key: str | None) -> AsyncIterator[JobCalls]:
    """Calls to a service, for as long as the context is open."""
    async with open_rest(server, api_key) as rest:
        yield JobCalls(rest)


def _url(job_id: str) -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}"
