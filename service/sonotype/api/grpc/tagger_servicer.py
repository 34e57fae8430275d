"""The methods of `sonotype.v1.Taggers`: parse, call the plane, render. Answers are the documents of REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, TypeVar

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from sonotype.api.grpc.call import Call
from sonotype.api.grpc.convert_search import filter_values
from sonotype.api.grpc.enums import LANES
from sonotype.api.grpc.fields import chosen, filled, given
from sonotype.api.grpc.gen import tagger_pb2 as tag
from sonotype.api.grpc.gen.tagger_pb2_grpc import TaggersServicer
from sonotype.api.grpc.intake import UploadStream
from sonotype.api.grpc.methods import Methods
from sonotype.api.options import parse_options
from sonotype.api.tagger_params import (
    FeedbackBody,
    ReportParams,
    RollbackBody,
    TagBody,
    TaggerBody,
    TagParams,
    UndoBody,
    VersionsParams,
)
from sonotype.api.tagger_view import (
    outcome_body,
    report_body,
    tagged_body,
    tagger_body,
    taggers_body,
    versions_body,
)
from sonotype.catalog.taggers.tagger import Outcome
from sonotype.plane.catalog.tagger_values import NewTagger, TaggerPlane

M = TypeVar("M", bound=Message)


class TaggerServicer(Methods, TaggersServicer):
    """The gRPC face of taggers."""

    @property
    def _taggers(self) -> TaggerPlane:
        return self._catalog.taggers

    async def CreateTagger(self, request: tag.CreateTaggerRequest, context: Any) -> tag.Tagger:  # noqa: N802
        """Fit a tagger."""

        async def work(call: Call, client: str | None) -> tag.Tagger:
            return _as(tag.Tagger(), tagger_body(await self._taggers.create(_new(request))))

        return await self._answer("CreateTagger", context, work)

    async def ListTaggers(  # noqa: N802 - the contract's name
        self, request: tag.ListTaggersRequest, context: Any
    ) -> tag.ListTaggersResponse:
        """List taggers."""

        async def work(call: Call, client: str | None) -> tag.ListTaggersResponse:
            return _as(tag.ListTaggersResponse(), taggers_body(*await self._taggers.all()))

        return await self._answer("ListTaggers", context, work)

    async def GetTagger(self, request: tag.GetTaggerRequest, context: Any) -> tag.Tagger:  # noqa: N802
        """Tell of a tagger."""

        async def work(call: Call, client: str | None) -> tag.Tagger:
            return _as(tag.Tagger(), tagger_body(await self._taggers.get(request.name)))

        return await self._answer("GetTagger", context, work)

    async def DeleteTagger(  # noqa: N802 - the contract's name
        self, request: tag.DeleteTaggerRequest, context: Any
    ) -> tag.DeleteTaggerResponse:
        """Delete a tagger."""

        async def work(call: Call, client: str | None) -> tag.DeleteTaggerResponse:
            await self._taggers.delete(request.name)
            return tag.DeleteTaggerResponse()

        return await self._answer("DeleteTagger", context, work)

    async def Tag(self, request_iterator: AsyncIterator[tag.TagRequest], context: Any) -> tag.TagResponse:  # noqa: N802
        """Tag tracks, an embedding or an upload."""

        async def work(call: Call, client: str | None) -> tag.TagResponse:
            stream = UploadStream(request_iterator, self._settings)
            options = (await stream.first()).options
            asked = _asked(options)
            with self._plane.reserve_bytes() as budget:
                upload, _ = await stream.upload(budget)
                query = asked.query(options.name, client)
                query = replace(query, timeout_s=call.timeout_s(query.timeout_s))
                found = await self._taggers.tag(query, upload if stream.has_upload else None)
                return _as(tag.TagResponse(), tagged_body(call.request_id, found, asked.top_k, asked.threshold))

        return await self._answer("Tag", context, work)

    async def Feedback(self, request: tag.FeedbackRequest, context: Any) -> tag.TaggerChange:  # noqa: N802
        """Correct a tagger."""

        async def work(call: Call, client: str | None) -> tag.TaggerChange:
            values = {"track": request.track, "label": request.label} | given(request, "is") | filled(request, "event")
            said = parse_options(FeedbackBody, values).said(client)
            return await self._changed(request.name, await self._taggers.feedback(request.name, said))

        return await self._answer("Feedback", context, work)

    async def Undo(self, request: tag.UndoRequest, context: Any) -> tag.TaggerChange:  # noqa: N802
        """Take the last correction back."""

        async def work(call: Call, client: str | None) -> tag.TaggerChange:
            body = parse_options(UndoBody, given(request, "version"))
            return await self._changed(request.name, await self._taggers.undo(request.name, body.version, client))

        return await self._answer("Undo", context, work)

    async def RollbackTagger(self, request: tag.RollbackTaggerRequest, context: Any) -> tag.TaggerChange:  # noqa: N802
        """Go back to a version."""

        async def work(call: Call, client: str | None) -> tag.TaggerChange:
            version = parse_options(RollbackBody, {"version": request.version}).version
            return await self._changed(request.name, await self._taggers.rollback(request.name, version, client))

        return await self._answer("RollbackTagger", context, work)

    async def ListTaggerVersions(  # noqa: N802 - the contract's name
        self, request: tag.ListTaggerVersionsRequest, context: Any
    ) -> tag.ListTaggerVersionsResponse:
        """List the newest changes."""

        async def work(call: Call, client: str | None) -> tag.ListTaggerVersionsResponse:
            limit = parse_options(VersionsParams, given(request, "limit")).limit
            return _as(
                tag.ListTaggerVersionsResponse(), versions_body(await self._taggers.versions(request.name, limit))
            )

        return await self._answer("ListTaggerVersions", context, work)

    async def ReportTagger(self, request: tag.ReportTaggerRequest, context: Any) -> tag.TaggerReport:  # noqa: N802
        """Say how good a tagger is."""

        async def work(call: Call, client: str | None) -> tag.TaggerReport:
            limit = parse_options(ReportParams, given(request, "limit")).limit
            return _as(tag.TaggerReport(), report_body(await self._taggers.report(request.name, limit)))

        return await self._answer("ReportTagger", context, work)

    async def _changed(self, name: str, outcome: Outcome) -> tag.TaggerChange:
        info = await self._taggers.get(name)
        return _as(tag.TaggerChange(), outcome_body(info.about.labels, outcome))


def _new(request: tag.CreateTaggerRequest) -> NewTagger:
    """The tagger to fit, under the same rules as on the REST face. Raises `invalid_request`."""
    values = {"name": request.name, "labels": list(request.labels), "from": filter_values(getattr(request, "from"))}
    values |= filled(request, "method") | given(request, "budget", "k")
    return parse_options(TaggerBody, values).new(request.csv or None)


def _asked(options: tag.TagOptions) -> TagBody | TagParams:
    """What to tag and what to show. Raises `invalid_request`."""
    shown = given(options, "top_k", "threshold") | ({"top_k": None} if options.all else {})
    if options.tracks or options.embedding:
        values = {"tracks": list(options.tracks)} | filled(options, "embedding")
        return parse_options(TagBody, shown | {name: list(value) for name, value in values.items()})
    return parse_options(TagParams, shown | given(options, "timeout_s") | chosen(options, lane=LANES))


def _as(message: M, document: dict[str, Any]) -> M:
    """A document of REST as a message: the names are the same, and null is absent."""
    return ParseDict(document, message)
