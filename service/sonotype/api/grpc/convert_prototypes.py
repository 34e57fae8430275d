"""Prototypes and sonifications between protobuf and our own types."""

from __future__ import annotations

from typing import Any

from sonotype.api.grpc.enums import FORMATS, KINDS, VERDICTS, named
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.options import parse_options
from sonotype.api.prototypes import PrototypeView
from sonotype.api.sonify import AudioParams, SonifyBody
from sonotype.models.card import PrototypeCard
from sonotype.models.card_parts import DecoderSpec
from sonotype.models.heads.provenance import Badge, PrototypeRecord, Segment
from sonotype.plane.sonification import AudioFile, Rendering, Sonified


def prototype_of(view: PrototypeView) -> pb.Prototype:
    """One prototype."""
    info, record = view.info, view.info.record
    return pb.Prototype(
        id=info.id,
        model=info.model,
        label=info.label,
        verdict=VERDICTS[view.verdict],
        note=view.note,
        offered=None if info.offered is None else _rendering(info.offered),
        renderings=[_rendering(rendering) for rendering in info.renderings],
        badge=_badge(None if record is None else record.prototype),
        decoded_medoid=_badge(None if record is None else record.decoded_medoid),
        provenance=None if record is None else _provenance(record),
    )


def prototype_model_of(card: PrototypeCard, n_prototypes: int | None) -> pb.PrototypeModel:
    """What a model says of its prototypes."""
    return pb.PrototypeModel(
        backbone=card.backbone.model,
        embedding=card.backbone.embedding,
        n_prototypes=n_prototypes,
        multilabel=card.multilabel,
        temperature=card.temperature,
        seeds=card.seeds,
        decoder=None if card.decoder is None else _decoder(card.decoder),
    )


def audio_params_of(request: pb.GetPrototypeAudioRequest) -> AudioParams:
    """Which rendering is asked for. Raises `invalid_request`."""
    values: dict[str, Any] = {"seed": request.seed} if request.HasField("seed") else {}
    if request.kind:
        values["kind"] = named("kind", KINDS, request.kind)
    if request.format:
        values["format"] = named("format", FORMATS, request.format)
    return parse_options(AudioParams, values)


def sonify_body_of(options: pb.SonifyOptions) -> SonifyBody:
    """The options of a sonification, under the same rules as on the REST face. Raises `invalid_request`."""
    values: dict[str, Any] = {"model": options.model, "seed": options.seed}
    values |= {name: getattr(options, name) for name in ("steps", "guidance", "timeout_s") if options.HasField(name)}
    if options.format:
        values["format"] = named("format", FORMATS, options.format)
    if options.embedding:
        values["embedding"] = list(options.embedding)
    if options.prototypes:
        values["prototypes"] = [_weighted(one) for one in options.prototypes]
    if options.HasField("path"):
        values["path"] = _path(options.path)
    return parse_options(SonifyBody, values)


def audio_header_of(request_id: str, file: AudioFile) -> pb.AudioHeader:
    """What is known of a finished rendering."""
    return pb.AudioHeader(
        request_id=request_id,
        media_type=file.media_type,
        duration_s=file.duration_s,
        n_bytes=len(file.data),
        etag=file.etag,
        rendering=_rendering(file.rendering),
    )


def sonified_header_of(request_id: str, sonified: Sonified) -> pb.AudioHeader:
    """What is known of a sonification before its first byte."""
    return pb.AudioHeader(
        request_id=request_id,
        media_type=sonified.media_type,
        duration_s=sonified.n_samples / sonified.sample_rate_hz,
        n_bytes=sonified.n_bytes,
        model=sonified.model,
        sample_rate_hz=sonified.sample_rate_hz,
        n_samples=sonified.n_samples,
        labels=sonified.labels,
        scores=sonified.scores,
    )


def _rendering(rendering: Rendering) -> pb.Rendering:
    return pb.Rendering(kind=KINDS[rendering.kind], seed=rendering.seed)


def _badge(badge: Badge | None) -> pb.Badge | None:
    if badge is None:
        return None
    scores = [pb.SeedScore(**score.model_dump()) for score in badge.scores]
    return pb.Badge(**badge.model_dump(exclude={"scores"}), scores=scores)


def _provenance(record: PrototypeRecord) -> pb.Provenance:
    return pb.Provenance(
        medoid=_segment(record.medoid),
        neighbours=[_segment(segment) for segment in record.neighbours],
        purity=record.purity,
        share=record.share,
    )


def _segment(segment: Segment) -> pb.Segment:
    return pb.Segment(**segment.model_dump())


def _decoder(decoder: DecoderSpec) -> pb.Decoder:
    names = {"family", "n_parameters", "sample_rate_hz", "dim", "steps", "guidance", "sha256"}
    segment_s = decoder.segment_samples / decoder.sample_rate_hz
    return pb.Decoder(**decoder.model_dump(include=names), segment_s=segment_s)


def _weighted(one: pb.WeightedPrototype) -> dict[str, Any]:
    return {"id": one.id} | ({"weight": one.weight} if one.HasField("weight") else {})


def _path(path: pb.CounterfactualPath) -> dict[str, Any]:
    values: dict[str, Any] = {"to_label": path.to_label, "from_label": path.from_label or None}
    return values | ({"points": path.points} if path.HasField("points") else {})
