"""From a view to JSON or to a NumPy file. `schemas` says the same for OpenAPI; a test holds the two together."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import orjson
from starlette.responses import Response

from sonotype.api.http.render_prototypes import DECIMALS, prototype_model_body, rounded
from sonotype.api.http.render_reasons import reasons_body
from sonotype.api.http.render_taggers import decided_by_body
from sonotype.api.params import Encoding
from sonotype.api.tagger_view import tagger_model_body
from sonotype.api.view import EmbeddingView, ModelView, ResultView, TimelineView
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import ClipInfo, Floats
from sonotype.models.card import Card, HeadCard, ListedCard, PrototypeCard, TaggerCard
from sonotype.plane.port import Readiness

NPY = "application/x-npy"


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON; NumPy arrays become nested lists."""
    content = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, status, {"cache-control": "no-store", **(headers or {})}, "application/json")


def analysis_body(request_id: str, clip: ClipInfo, results: list[ResultView], encoding: Encoding) -> dict[str, Any]:
    """The body of `/v1/analyze`, `/v1/tags` and `/v1/embeddings`."""
    shown = [_result(result, encoding) for result in results]
    return {"request_id": request_id, "clip": asdict(clip), "results": shown}


def one_npy(results: list[ResultView]) -> bytes:
    """The bytes of a NumPy file with the one embedding of a request.

    Raises:
        SonotypeError: `invalid_request` where the request asked for more than one.
    """
    embeddings = [embedding for result in results for embedding in result.embeddings]
    if len(embeddings) != 1:
        raise SonotypeError(Code.INVALID_REQUEST, "encoding=npy answers with one embedding of one model.")
    return npy_bytes(embeddings[0].values)


def npy_bytes(values: Floats) -> bytes:
    """A NumPy file of little-endian float32."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(values, dtype="<f4"), allow_pickle=False)
    return file.getvalue()


def model_body(shown: ModelView) -> dict[str, Any]:
    """One entry of `/v1/models`."""
    info, card = shown.info, shown.info.card
    body = {
        "kind": _kind(card),
        "name": card.name,
        "version": card.version,
        "title": card.title,
        "description": card.description,
        "default": info.is_default,
        "pulled": info.pulled,
        "served": info.served,
        "precision": info.precision,
        **_audio_side(shown.network),
        "labels": card.labels,
        "groups": card.groups if isinstance(card, Card) else {},
        "qualities": [asdict(preset) | {"cost": round(preset.cost, DECIMALS)} for preset in shown.qualities],
        "grid": None if shown.grid is None else asdict(shown.grid),
        "embeddings": [embedding.model_dump() for embedding in shown.embeddings],
        "weights_sha256": shown.weights_sha256,
        "licence": card.licence.model_dump(),
        "citation": card.citation,
    }
    if isinstance(card, PrototypeCard):
        body["prototypes"] = prototype_model_body(card, shown.n_prototypes)
    if isinstance(card, HeadCard):
        body["head"] = _head(card)
    if isinstance(card, TaggerCard):
        body["tagger"] = tagger_model_body(card)
    return body


def _kind(card: ListedCard) -> str:
    return "network" if isinstance(card, Card) else card.kind


def _head(card: HeadCard) -> dict[str, Any]:
    """What only a transfer head has."""
    return {
        "backbone": card.backbone.model,
        "embedding": card.backbone.embedding,
        "task": card.task,
        "positive": card.positive,
        "temperature": card.temperature,
        "layers": [layer.units for layer in card.layers],
    }


def _audio_side(network: Card | None) -> dict[str, Any]:
    """How audio is cut for a network."""
    if network is None:
        return {"sample_rate_hz": None, "patch": None, "frontends": []}
    spec = network.frontends[network.default_frontend]
    frame_s = spec.hop_length / spec.sample_rate_hz
    return {
        "sample_rate_hz": spec.sample_rate_hz,
        "patch": {
            "length_s": round(network.patch.frames * frame_s, DECIMALS),
            "hop_s": round(network.patch.hop_frames * frame_s, DECIMALS),
            "tail": network.patch.tail,
            "short": network.patch.short,
        },
        "frontends": list(network.frontends),
    }


def readiness_body(readiness: Readiness) -> dict[str, Any]:
    """The body of `/readyz`."""
    return asdict(readiness)


def _result(shown: ResultView, encoding: Encoding) -> dict[str, Any]:
    result = shown.result
    body: dict[str, Any] = {
        "model": result.model,
        "model_sha256": result.model_sha256,
        "frontend": result.frontend,
        "precision": result.precision,
        "quality": result.quality,
        "patchout": None if result.patchout is None else asdict(result.patchout),
        "cached": result.cached,
        "task": result.task,
        "patches": asdict(result.patches),
        "tags": [_tag(label, score, shown.groups) for label, score in shown.tags],
    }
    if shown.timeline is not None:
        body["timeline"] = _timeline(shown.timeline)
    if shown.embeddings:
        body["embeddings"] = [_embedding(embedding, encoding) for embedding in shown.embeddings]
    if shown.reasons is not None:
        body["reasons"] = reasons_body(shown.reasons)
    if shown.decided_by is not None:
        body["decided_by"] = decided_by_body(shown.decided_by)
    return body


def _tag(label: str, score: float, groups: Mapping[str, str]) -> dict[str, Any]:
    tag = {"label": label, "score": round(score, DECIMALS)}
    return tag | {"group": groups.get(label)} if groups else tag


def _timeline(timeline: TimelineView) -> dict[str, Any]:
    return {"starts_s": rounded(timeline.starts_s), "labels": timeline.labels, "scores": rounded(timeline.scores)}


def _embedding(embedding: EmbeddingView, encoding: Encoding) -> dict[str, Any]:
    values = np.ascontiguousarray(embedding.values, dtype="<f4")
    body = {"name": embedding.name, "dim": values.shape[-1], "scope": embedding.scope, "encoding": encoding}
    if encoding == "json":
        return body | {"values": values}
    data = values.tobytes() if encoding == "base64" else npy_bytes(values)
    return body | {"data": base64.b64encode(data).decode()}
