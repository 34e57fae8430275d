"""Live sessions, from and to protobuf."""

from __future__ import annotations

from typing import Any, Final

from sonotype.api.grpc.enums import QUALITIES
from sonotype.api.grpc.fields import chosen, given
from sonotype.api.grpc.gen import live_pb2 as pb
from sonotype.api.listen_params import ListenParams
from sonotype.api.listening import shown_tags
from sonotype.api.options import parse_options
from sonotype.plane.live.port import LiveAnswer, LiveSession
from sonotype.plane.live.query import ListenQuery

_FORMATS: Final = {
    "encoded": pb.STREAM_FORMAT_ENCODED,
    "pcm_s16le": pb.STREAM_FORMAT_PCM_S16LE,
    "pcm_f32le": pb.STREAM_FORMAT_PCM_F32LE,
}
_OPTIONALS = ("hop_s", "smoothing_s", "top_k", "threshold", "frontend", "sample_rate_hz", "channels")


def listen_params_of(options: pb.ListenOptions) -> ListenParams:
    """The options under the same rules as on the WebSocket. Raises `invalid_request`."""
    values: dict[str, Any] = {"models": list(options.models), **given(options, *_OPTIONALS)}
    values |= chosen(options, format=_FORMATS, quality=QUALITIES)
    if options.all_tags:
        values["top_k"] = "all"
    return parse_options(ListenParams, values)


def ready_of(request_id: str, session: LiveSession) -> pb.ListenReady:
    """The first message."""
    models = [
        pb.LiveModel(model=one.model, task=one.task, n_labels=len(one.labels), patch_s=one.patch_s, hop_s=one.hop_s)
        for one in session.models
    ]
    return pb.ListenReady(request_id=request_id, models=models)


def tags_of(answer: LiveAnswer, query: ListenQuery) -> pb.LiveTags:
    """One answer."""
    models = [
        pb.LiveModelTags(
            model=scores.model.model,
            tags=[pb.LiveTag(label=tag.label, score=tag.score, raw=tag.raw) for tag in shown_tags(scores, query)],
        )
        for scores in answer.models
    ]
    return pb.LiveTags(time_s=answer.time_s, start_s=answer.start_s, lag_s=answer.lag_s, models=models)


def done_of(session: LiveSession) -> pb.ListenDone:
    """The last message."""
    return pb.ListenDone(audio_s=session.audio_s, answers=session.n_answers)
