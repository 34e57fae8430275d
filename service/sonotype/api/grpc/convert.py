"""The only place where protobuf meets our own types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from sonotype.api.grpc.convert_prototypes import prototype_model_of
from sonotype.api.grpc.convert_reasons import decided_by_of, reasons_of
from sonotype.api.grpc.enums import LANES, QUALITIES, SCOPES, SHORTS, TAILS, TASKS, named
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.params import parse_params
from sonotype.api.tagger_view import tagger_model_body
from sonotype.api.view import EmbeddingView, ModelView, ResultView, TimelineView
from sonotype.core.types import ClipInfo, Patchout, PatchReport
from sonotype.models.card import Card, HeadCard, PrototypeCard, TaggerCard
from sonotype.models.grid import Preset
from sonotype.plane.query import AnalyzeQuery

_OPTIONALS = (
    *("top_k", "threshold", "offset_s", "duration_s", "hop_s", "frontend", "timeout_s", "reasons_top_k"),
    *("patchout_time", "patchout_freq", "patchout_seed"),
)


def query_of(options: pb.AnalyzeOptions) -> AnalyzeQuery:
    """The request as the plane takes it, under the same rules as on the REST face.

    Raises:
        SonotypeError: `invalid_request`.
    """
    values: dict[str, Any] = {name: getattr(options, name) for name in _OPTIONALS if options.HasField(name)}
    values |= {"model": list(options.models), "embeddings": list(options.embeddings), "timeline": options.timeline}
    if options.all_tags:
        values["top_k"] = "all"
    if options.all_reasons:
        values["reasons_top_k"] = "all"
    if options.bypass_cache:
        values["cache"] = "bypass"
    for name, names in (("tail", TAILS), ("lane", LANES), ("embedding_scope", SCOPES), ("quality", QUALITIES)):
        number = getattr(options, name)
        if number:
            values[name] = named(name, names, number)
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


def model_of(shown: ModelView) -> pb.Model:
    """One model's card and state."""
    info, card = shown.info, shown.info.card
    model = pb.Model(
        name=card.name,
        version=card.version,
        title=card.title,
        description=card.description,
        is_default=info.is_default,
        pulled=info.pulled,
        served=info.served,
        precision=info.precision,
        labels=card.labels,
        groups=_groups(card) if isinstance(card, Card) else (),
        qualities=[_quality(preset) for preset in shown.qualities],
        patch_columns=0 if shown.grid is None else shown.grid.columns,
        patch_rows=0 if shown.grid is None else shown.grid.rows,
        embeddings=[pb.EmbeddingInfo(**embedding.model_dump()) for embedding in shown.embeddings],
        weights_sha256=shown.weights_sha256,
        licence=pb.Licence(**card.licence.model_dump()),
        citation=card.citation,
        kind=pb.MODEL_KIND_NETWORK,
    )
    if shown.network is not None:
        model.MergeFrom(_audio_side(shown.network))
    if isinstance(card, PrototypeCard):
        model.kind = pb.MODEL_KIND_PROTOTYPES
        model.prototypes.CopyFrom(prototype_model_of(card, shown.n_prototypes))
    if isinstance(card, HeadCard):
        model.kind = pb.MODEL_KIND_HEAD
        model.head.CopyFrom(_head(card))
    if isinstance(card, TaggerCard):
        model.kind = pb.MODEL_KIND_TAGGER
        model.tagger.CopyFrom(pb.TaggerModel(**tagger_model_body(card)))
    return model


def _groups(card: Card) -> list[pb.LabelGroup]:
    return [pb.LabelGroup(name=name, labels=labels) for name, labels in card.groups.items()]


def _head(card: HeadCard) -> pb.HeadModel:
    return pb.HeadModel(
        backbone=card.backbone.model,
        embedding=card.backbone.embedding,
        task=TASKS[card.task],
        positive=card.positive,
        temperature=card.temperature,
        layers=[layer.units for layer in card.layers],
    )


def _audio_side(network: Card) -> pb.Model:
    """How audio is cut for a network."""
    spec = network.frontends[network.default_frontend]
    frame_s = spec.hop_length / spec.sample_rate_hz
    return pb.Model(
        sample_rate_hz=spec.sample_rate_hz,
        patch_length_s=network.patch.frames * frame_s,
        patch_hop_s=network.patch.hop_frames * frame_s,
        tail=TAILS[network.patch.tail],
        short=SHORTS[network.patch.short],
        frontends=list(network.frontends),
    )


def _result(shown: ResultView) -> pb.Result:
    result = shown.result
    return pb.Result(
        model=result.model,
        model_sha256=result.model_sha256,
        frontend=result.frontend,
        precision=result.precision,
        quality=QUALITIES[result.quality],
        patchout=_patchout(result.patchout),
        cached=result.cached,
        task=TASKS[result.task],
        patches=_patches(result.patches),
        tags=[pb.Tag(label=label, score=score, group=shown.groups.get(label)) for label, score in shown.tags],
        timeline=None if shown.timeline is None else _timeline(shown.timeline),
        embeddings=[_embedding(embedding) for embedding in shown.embeddings],
        reasons=None if shown.reasons is None else reasons_of(shown.reasons),
        decided_by=None if shown.decided_by is None else decided_by_of(shown.decided_by),
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
        overlap_s=report.overlap_s,
    )


def _quality(preset: Preset) -> pb.QualityInfo:
    return pb.QualityInfo(quality=QUALITIES[preset.quality], patchout=_patchout(preset.patchout), cost=preset.cost)


def _patchout(patchout: Patchout | None) -> pb.Patchout | None:
    return None if patchout is None else pb.Patchout(**asdict(patchout))


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
