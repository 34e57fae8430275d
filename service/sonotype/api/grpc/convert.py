"""The only place where protobuf meets our own types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.params import parse_params
from sonotype.api.view import EmbeddingView, ResultView, TimelineView
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import ClipInfo, PatchReport
from sonotype.plane.port import ModelInfo
from sonotype.plane.query import AnalyzeQuery

TAILS = {"drop": pb.TAIL_POLICY_DROP, "repeat": pb.TAIL_POLICY_REPEAT, "pad": pb.TAIL_POLICY_PAD}
SHORTS = {"repeat": pb.SHORT_POLICY_REPEAT, "pad": pb.SHORT_POLICY_PAD, "refuse": pb.SHORT_POLICY_REFUSE}
LANES = {"interactive": pb.LANE_INTERACTIVE, "bulk": pb.LANE_BULK}
SCOPES = {"clip": pb.EMBEDDING_SCOPE_CLIP, "patches": pb.EMBEDDING_SCOPE_PATCHES}
_OPTIONALS = ("top_k", "threshold", "offset_s", "duration_s", "hop_s", "frontend", "timeout_s")


def query_of(options: pb.AnalyzeOptions) -> AnalyzeQuery:
    """The request as the plane takes it, under the same rules as on the REST face.

    Raises:
        SonotypeError: `invalid_request`.
    """
    values: dict[str, Any] = {name: getattr(options, name) for name in _OPTIONALS if options.HasField(name)}
    values |= {"model": list(options.models), "embeddings": list(options.embeddings), "timeline": options.timeline}
    if options.all_tags:
        values["top_k"] = "all"
    if options.bypass_cache:
        values["cache"] = "bypass"
    for name, names in (("tail", TAILS), ("lane", LANES), ("embedding_scope", SCOPES)):
        number = getattr(options, name)
        if number:
            values[name] = _named(name, names, number)
    return parse_params(values).query()


def response_of(
    request_id: str, clip: ClipInfo, results: list[ResultView], timings_s: Mapping[str, float]
) -> pb.AnalyzeResponse:
    """The answer to `Analyze`."""
    return pb.AnalyzeResponse(
        request_id=request_id,
        clip=pb.Clip(
            sha256=clip.sha256,
            format=clip.format,
            sample_rate_hz=clip.sample_rate_hz,
            channels=clip.channels,
            duration_s=clip.duration_s,
            truncated=clip.truncated,
            clipped=clip.clipped,
            silent=clip.silent,
        ),
        results=[_result(shown) for shown in results],
        timings_s=dict(timings_s),
    )


def model_of(info: ModelInfo) -> pb.Model:
    """One model's card and state."""
    card = info.card
    spec = card.frontends[card.default_frontend]
    frame_s = spec.hop_length / spec.sample_rate_hz
    return pb.Model(
        name=card.name,
        version=card.version,
        title=card.title,
        description=card.description,
        is_default=info.is_default,
        pulled=info.pulled,
        served=info.served,
        precision=info.precision,
        sample_rate_hz=spec.sample_rate_hz,
        patch_length_s=card.patch.frames * frame_s,
        patch_hop_s=card.patch.hop_frames * frame_s,
        tail=TAILS[card.patch.tail],
        short=SHORTS[card.patch.short],
        labels=card.labels,
        embeddings=[pb.EmbeddingInfo(**embedding.model_dump()) for embedding in card.embeddings],
        frontends=list(card.frontends),
        weights_sha256=card.weights_sha256,
        licence=pb.Licence(**card.licence.model_dump()),
        citation=card.citation,
    )


def _result(shown: ResultView) -> pb.Result:
    result = shown.result
    return pb.Result(
        model=result.model,
        model_sha256=result.model_sha256,
        frontend=result.frontend,
        precision=result.precision,
        cached=result.cached,
        patches=_patches(result.patches),
        tags=[pb.Tag(label=label, score=score) for label, score in shown.tags],
        timeline=None if shown.timeline is None else _timeline(shown.timeline),
        embeddings=[_embedding(embedding) for embedding in shown.embeddings],
    )


def _patches(report: PatchReport) -> pb.Patches:
    return pb.Patches(
        count=report.count,
        length_s=report.length_s,
        hop_s=report.hop_s,
        tail=TAILS[report.tail],
        short=SHORTS[report.short],
        dropped_s=report.dropped_s,
        filled_s=report.filled_s,
    )


def _timeline(timeline: TimelineView) -> pb.Timeline:
    rows = [pb.TimelineRow(scores=row) for row in timeline.scores.tolist()]
    return pb.Timeline(starts_s=timeline.starts_s.tolist(), labels=timeline.labels, rows=rows)


def _embedding(embedding: EmbeddingView) -> pb.Embedding:
    rows = np.atleast_2d(embedding.values)
    return pb.Embedding(
        name=embedding.name,
        dim=rows.shape[1],
        scope=SCOPES[embedding.scope],
        rows=rows.shape[0],
        values=rows.ravel().tolist(),
    )


def _named(field: str, names: Mapping[str, Any], number: int) -> str:
    for name, value in names.items():
        if value == number:
            return name
    raise SonotypeError(Code.INVALID_REQUEST, f"{field}: {number} is not one of its values.")
