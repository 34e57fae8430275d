"""What the commands about tracks ask for, in this process or of a running service; the documents are those of REST."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from urllib.parse import quote

from sonotype.api.catalog_params import PathParams, PlaylistBody, SimilarBody
from sonotype.api.filter_params import FilterParams
from sonotype.api.http.render_catalog import matches_body, track_body, track_url, tracks_body, why_body
from sonotype.api.m3u8 import m3u8
from sonotype.api.options import parse_options
from sonotype.cli.asking import open_calls
from sonotype.cli.document import Document
from sonotype.cli.rest import Rest
from sonotype.cli.wiring import Wiring
from sonotype.core.types import Upload
from sonotype.plane.catalog.port import CatalogPlane
from sonotype.telemetry.requests import request_id


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

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def track(self, track_id: str) -> Document:
        """One track."""
        return await self._rest.document("GET", track_url(track_id))

    async def delete(self, track_id: str) -> None:
        """Delete a track."""
        await self._rest.ask("DELETE", track_url(track_id))

    async def page(self, where: Document, cursor: str | None, limit: int) -> Document:
        """Some tracks."""
        place = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        return await self._rest.document("GET", "/v1/tracks", params=where | place)

    async def why(self, track_a: str, track_b: str) -> Document:
        """Why two tracks are alike."""
        return await self._rest.document("GET", f"{track_url(track_a)}/similar/{quote(track_b, safe='')}/why")

    async def path(self, start: str, end: str, asked: Document) -> Document:
        """A way from one track to another."""
        return await self._rest.document("GET", f"{track_url(start)}/path/{quote(end, safe='')}", params=asked)

    async def similar(self, asked: Document, upload: Upload | None) -> Document:
        """Tracks similar to the seeds."""
        if upload is None:
            return await self._rest.document("POST", "/v1/similar", json=asked)
        query = ("query", json.dumps(asked), "application/json")
        files = {"query": query, "file": ("upload", upload.data, "application/octet-stream")}
        return await self._rest.document("POST", "/v1/similar", files=files)

    async def playlist(self, asked: Document, as_m3u8: bool) -> Document | str:
        """An ordered list."""
        if as_m3u8:
            return (await self._rest.ask("POST", "/v1/playlists", params={"format": "m3u8"}, json=asked)).text
        return await self._rest.document("POST", "/v1/playlists", json=asked)


def open_track_calls(
    wired: Wiring, server: str | None, api_key: str | None, *, listens: bool = False
) -> AbstractAsyncContextManager[TrackCalls]:
    """Calls of a running service, or of the catalogue in this process: with models only where audio is heard."""
    return open_calls(wired, server, api_key, remote=RemoteTracks, local=LocalTracks, listens=listens)
