"""The messages of a live session as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sonotype.api.listening import shown_tags
from sonotype.plane.live.port import LiveAnswer, LiveSession
from sonotype.plane.live.query import ListenQuery


def ready_body(request_id: str, session: LiveSession) -> dict[str, Any]:
    """The first message: which models listen, and how they cut the audio."""
    models = [
        {"model": one.model, "task": one.task, "n_labels": len(one.labels), "patch_s": one.patch_s, "hop_s": one.hop_s}
        for one in session.models
    ]
    return {"ready": {"request_id": request_id, "models": models}}


def answer_body(answer: LiveAnswer, query: ListenQuery) -> dict[str, Any]:
    """One answer."""
    models = [
        {"model": scores.model.model, "tags": [asdict(tag) for tag in shown_tags(scores, query)]}
        for scores in answer.models
    ]
    return {
        "time_s": round(answer.time_s, 6),
        "start_s": round(answer.start_s, 6),
        "lag_s": round(answer.lag_s, 6),
        "models": models,
    }


def done_body(session: LiveSession) -> dict[str, Any]:
    """The last message of a session that came to its end."""
    return {"done": {"audio_s": round(session.audio_s, 6), "answers": session.n_answers}}
