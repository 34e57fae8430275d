"""What the commands about tracks ask for, in this process or of a running service; the documents are those of REST."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import httpx

from sonotype.api.catalog_params import PathParams, PlaylistBody, SimilarBody
from sonotype.api.filter_params import FilterParams
from sonotype.api.http.render_catalog import matches_body, track_body, track_url, tracks_body, why_body
from sonotype.api.m3u8 import m3u8
from sonotype.api.options import parse_options
from sonotype.cli.errors import stderr
from sonotype.cli.remote import error_of, open_client
from sonotype.cli.wiring import Wiring
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Upload
from sonotype.plane.catalog.port import CatalogPlane
from sonotype.telemetry.requests import request_id

Document = dict[str, Any]


class TrackCalls(Protocol):
    """Every call raises `SonotypeError`."""

    async def track(self, track_id: str) -> Document:
        """One track."""

    async def delete(self, track_id: str) -> None:
        """Delete a track."""

    async def page(self, where: Document, cursor: str | None, limit: int) -> Document:
        """Some tracks."""

    async def why(self, track_a: str, track_b: str) -> Document:
        """Why two tracks are alike."""

    async def path(self, start: str, end: str, asked: Document) -> Document:
        """A way from one track to another."""

    async def similar(self, asked: Document, upload: Upload | None) -> Document:
        """Tracks similar to the seeds."""

    async def playlist(self, asked: Document, as_m3u8: bool) -> Document | str:
        """An ordered list, as a document or as the text of an M3U8 file."""


class LocalTracks:
    """Implements `TrackCalls` on a plane in this process."""

    def __init__(self, catalog: CatalogPlane) -> None:
        self._catalog = catalog

    async def track(self, track_id: str) -> Document:
        """One track."""
        return track_body(await self._catalog.track(track_id))

    async def delete(self, track_id: str) -> None:
        """Delete a track."""
        await self._catalog.delete_track(track_id)

    async def page(self, where: Document, cursor: str | None, limit: int) -> Document:
        """Some tracks."""
        return tracks_body(await self._catalog.tracks(parse_options(FilterParams, where).where(), cursor, limit))

    async def why(self, track_a: str, track_b: str) -> Document:
        """Why two tracks are alike."""
        return why_body(await self._catalog.why(track_a, track_b))

    async def path(self, start: str, end: str, asked: Document) -> Document:
        """A way from one track to another."""
        found = await self._catalog.path(parse_options(PathParams, asked).query(start, end))
        return matches_body(request_id(None), found)

    async def similar(self, asked: Document, upload: Upload | None) -> Document:
        """Tracks similar to the seeds."""
        query = parse_options(SimilarBody, asked).query(has_upload=upload is not None)
        return matches_body(request_id(None), await self._catalog.similar(query, upload))

    async def playlist(self, asked: Document, as_m3u8: bool) -> Document | str:
        """An ordered list."""
        found = await self._catalog.playlist(parse_options(PlaylistBody, asked).query())
        return m3u8(match.track for match in found.matches) if as_m3u8 else matches_body(request_id(None), found)


class RemoteTracks:
    """Implements `TrackCalls` over REST."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def track(self, track_id: str) -> Document:
        """One track."""
        return await self._document("GET", track_url(track_id))

    async def delete(self, track_id: str) -> None:
        """Delete a track."""
        await self._ask("DELETE", track_url(track_id))

    async def page(self, where: Document, cursor: str | None, limit: int) -> Document:
        """Some tracks."""
        place = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        return await self._document("GET", "/v1/tracks", params=where | place)

    async def why(self, track_a: str, track_b: str) -> Document:
        """Why two tracks are alike."""
        return await self._document("GET", f"{track_url(track_a)}/similar/{track_url(track_b).rpartition('/')[2]}/why")

    async def path(self, start: str, end: str, asked: Document) -> Document:
        """A way from one track to another."""
        between = f"{track_url(start)}/path/{track_url(end).rpartition('/')[2]}"
        return await self._document("GET", between, params=asked)

    async def similar(self, asked: Document, upload: Upload | None) -> Document:
        """Tracks similar to the seeds."""
        if upload is None:
            return await self._document("POST", "/v1/similar", json=asked)
        query = ("query", json.dumps(asked), "application/json")
        files = {"query": query, "file": ("upload", upload.data, "application/octet-stream")}
        return await self._document("POST", "/v1/similar", files=files)

    async def playlist(self, asked: Document, as_m3u8: bool) -> Document | str:
        """An ordered list."""
        if as_m3u8:
            return (await self._ask("POST", "/v1/playlists", params={"format": "m3u8"}, json=asked)).text
        return await self._document("POST", "/v1/playlists", json=asked)

    async def _document(self, method: str, path: str, **sent: Any) -> Document:
        document: Document = (await self._ask(method, path, **sent)).json()
        return document

    async def _ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        try:
            answer = await self._client.request(method, path, **sent)
        except httpx.HTTPError as error:
            detail = f"{self._client.base_url} cannot be reached ({type(error).__name__})."
            raise SonotypeError(Code.UNAVAILABLE, detail) from None
        if answer.is_error:
            raise error_of(answer)
        return answer


def open_track_calls(
    wired: Wiring, server: str | None, api_key: str | None, *, listens: bool = False
) -> AbstractAsyncContextManager[TrackCalls]:
    """Calls of a running service, or of the catalogue in this process: with models only where audio is heard."""
    return _remote(server, api_key) if server else _local(wired, listens)


@asynccontextmanager
async def _remote(server: str, api_key: str | None) -> AsyncIterator[TrackCalls]:
    async with open_client(server, api_key) as client:
        yield RemoteTracks(client)


@asynccontextmanager
async def _local(wired: Wiring, listens: bool) -> AsyncIterator[TrackCalls]:
    with stderr.status("opening the catalogue …"):
        opened = wired.open_plane(Settings(), with_catalog=True, with_workers=listens)
        plane = await opened.__aenter__()
    try:
        yield LocalTracks(plane.catalog)
    finally:
        await opened.__aexit__(None, None, None)
