"""The methods of `sonotype.v1.Catalog` on tracks: parse, call the plane, render."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from sonotype.api.grpc.call import Call
from sonotype.api.grpc.convert_jobs import tracks_of, tracks_params_of
from sonotype.api.grpc.convert_search import (
    generation_of,
    matches_of,
    path_query_of,
    playlist_query_of,
    similar_query_of,
    status_of,
    why_of,
)
from sonotype.api.grpc.convert_tracks import check_of, stored_of, submission_of, track_of
from sonotype.api.grpc.gen import catalog_pb2 as cat
from sonotype.api.grpc.gen.catalog_pb2_grpc import CatalogServicer as Contract
from sonotype.api.grpc.intake import UploadStream
from sonotype.api.grpc.job_methods import JobMethods


class CatalogServicer(JobMethods, Contract):
    """The gRPC face of the catalogue; its methods on jobs stand in `job_methods`."""

    async def PutTrack(  # noqa: N802 - the contract's name
        self, request_iterator: AsyncIterator[cat.PutTrackRequest], context: Any
    ) -> cat.PutTrackResponse:
        """Store a track."""

        async def work(call: Call, client: str | None) -> cat.PutTrackResponse:
            stream = UploadStream(request_iterator, self._settings)
            submission = submission_of((await stream.first()).options, client)
            with self._plane.reserve_bytes() as budget:
                upload, _ = await stream.upload(budget)
                submission = replace(submission, timeout_s=call.timeout_s(submission.timeout_s))
                # who sends no embedding sends audio, and an empty file may come without a chunk
                has_upload = stream.has_upload or submission.embedding is None
                return stored_of(await self._catalog.put_track(submission, upload if has_upload else None))

        return await self._answer("PutTrack", context, work)

    async def CheckTrack(  # noqa: N802 - the contract's name
        self, request: cat.CheckTrackRequest, context: Any
    ) -> cat.CheckTrackResponse:
        """Say whether a file need be sent."""

        async def work(call: Call, client: str | None) -> cat.CheckTrackResponse:
            asked = check_of(request)
            return cat.CheckTrackResponse(id=await self._catalog.unchanged(asked.submission(), asked.content_sha256))

        return await self._answer("CheckTrack", context, work)

    async def GetTrack(self, request: cat.GetTrackRequest, context: Any) -> cat.Track:  # noqa: N802
        """Tell of a track."""

        async def work(call: Call, client: str | None) -> cat.Track:
            return track_of(await self._catalog.track(request.id))

        return await self._answer("GetTrack", context, work)

    async def DeleteTrack(  # noqa: N802 - the contract's name
        self, request: cat.DeleteTrackRequest, context: Any
    ) -> cat.DeleteTrackResponse:
        """Delete a track."""

        async def work(call: Call, client: str | None) -> cat.DeleteTrackResponse:
            await self._catalog.delete_track(request.id)
            return cat.DeleteTrackResponse()

        return await self._answer("DeleteTrack", context, work)

    async def ListTracks(  # noqa: N802 - the contract's name
        self, request: cat.ListTracksRequest, context: Any
    ) -> cat.ListTracksResponse:
        """List tracks."""

        async def work(call: Call, client: str | None) -> cat.ListTracksResponse:
            params = tracks_params_of(request)
            return tracks_of(await self._catalog.tracks(params.where(), params.cursor, params.limit))

        return await self._answer("ListTracks", context, work)

    async def Similar(  # noqa: N802 - the contract's name
        self, request_iterator: AsyncIterator[cat.SimilarRequest], context: Any
    ) -> cat.MatchesResponse:
        """Find similar tracks."""

        async def work(call: Call, client: str | None) -> cat.MatchesResponse:
            stream = UploadStream(request_iterator, self._settings)
            options = (await stream.first()).options
            similar_query_of(options, client, has_upload=True)  # refuse before the upload what can be refused by then
            with self._plane.reserve_bytes() as budget:
                upload, _ = await stream.upload(budget)
                query = similar_query_of(options, client, has_upload=stream.has_upload)
                query = replace(query, timeout_s=call.timeout_s(query.timeout_s))
                found = await self._catalog.similar(query, upload if stream.has_upload else None)
                return matches_of(call.request_id, found)

        return await self._answer("Similar", context, work)

    async def ExplainMatch(self, request: cat.ExplainMatchRequest, context: Any) -> cat.Why:  # noqa: N802
        """Say why two tracks are alike."""

        async def work(call: Call, client: str | None) -> cat.Why:
            return why_of(await self._catalog.why(request.track_a, request.track_b))

        return await self._answer("ExplainMatch", context, work)

    async def FindPath(self, request: cat.FindPathRequest, context: Any) -> cat.MatchesResponse:  # noqa: N802
        """Go from one track to another."""

        async def work(call: Call, client: str | None) -> cat.MatchesResponse:
            return matches_of(call.request_id, await self._catalog.path(path_query_of(request)))

        return await self._answer("FindPath", context, work)

    async def MakePlaylist(  # noqa: N802 - the contract's name
        self, request: cat.MakePlaylistRequest, context: Any
    ) -> cat.MatchesResponse:
        """Make a list to listen to."""

        async def work(call: Call, client: str | None) -> cat.MatchesResponse:
            return matches_of(call.request_id, await self._catalog.playlist(playlist_query_of(request, client)))

        return await self._answer("MakePlaylist", context, work)

    async def GetCatalog(self, request: cat.GetCatalogRequest, context: Any) -> cat.CatalogStatus:  # noqa: N802
        """Tell of the whole catalogue."""

        async def work(call: Call, client: str | None) -> cat.CatalogStatus:
            return status_of(await self._catalog.status(), takes_jobs=self._settings.ingest_root is not None)

        return await self._answer("GetCatalog", context, work)

    async def PromoteGeneration(  # noqa: N802 - the contract's name
        self, request: cat.PromoteGenerationRequest, context: Any
    ) -> cat.Generation:
        """Let searches use a generation."""

        async def work(call: Call, client: str | None) -> cat.Generation:
            return generation_of(await self._catalog.promote(request.name))

        return await self._answer("PromoteGeneration", context, work)
