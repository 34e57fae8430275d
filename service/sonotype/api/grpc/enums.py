"""Our words and the numbers of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sonotype.api.grpc.gen import catalog_pb2 as cat
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.core.errors import Code, SonotypeError

TAILS = {
    "drop": pb.TAIL_POLICY_DROP,
    "repeat": pb.TAIL_POLICY_REPEAT,
    "pad": pb.TAIL_POLICY_PAD,
    "align": pb.TAIL_POLICY_ALIGN,
}
SHORTS = {
    "repeat": pb.SHORT_POLICY_REPEAT,
    "pad": pb.SHORT_POLICY_PAD,
    "refuse": pb.SHORT_POLICY_REFUSE,
    "native": pb.SHORT_POLICY_NATIVE,
}
QUALITIES = {"full": pb.QUALITY_FULL, "balanced": pb.QUALITY_BALANCED, "fast": pb.QUALITY_FAST}
TASKS = {
    "multiclass": pb.TASK_MULTICLASS,
    "multilabel": pb.TASK_MULTILABEL,
    "regression": pb.TASK_REGRESSION,
}
LANES = {"interactive": pb.LANE_INTERACTIVE, "bulk": pb.LANE_BULK}
SCOPES = {"clip": pb.EMBEDDING_SCOPE_CLIP, "patches": pb.EMBEDDING_SCOPE_PATCHES}
FORMATS = {
    "wav": pb.AUDIO_FORMAT_WAV,
    "flac": pb.AUDIO_FORMAT_FLAC,
    "ogg": pb.AUDIO_FORMAT_OGG,
    "mp3": pb.AUDIO_FORMAT_MP3,
}
KINDS = {
    "prototype": pb.RENDERING_KIND_PROTOTYPE,
    "medoid": pb.RENDERING_KIND_MEDOID,
    "segment": pb.RENDERING_KIND_SEGMENT,
}
VERDICTS = {
    "passed": pb.VERDICT_PASSED,
    "replaced": pb.VERDICT_REPLACED,
    "failed": pb.VERDICT_FAILED,
    "ungated": pb.VERDICT_UNGATED,
    "silent": pb.VERDICT_SILENT,
}
HUBNESS = {"mutual_proximity": cat.HUBNESS_MUTUAL_PROXIMITY, "none": cat.HUBNESS_NONE}
ORDERS = {
    "similarity": cat.PLAYLIST_ORDER_SIMILARITY,
    "smooth": cat.PLAYLIST_ORDER_SMOOTH,
    "random": cat.PLAYLIST_ORDER_RANDOM,
}
JOB_KINDS = {"ingest": cat.JOB_KIND_INGEST, "reembed": cat.JOB_KIND_REEMBED}
JOB_STATES = {
    "queued": cat.JOB_STATE_QUEUED,
    "running": cat.JOB_STATE_RUNNING,
    "completed": cat.JOB_STATE_COMPLETED,
    "completed_with_errors": cat.JOB_STATE_COMPLETED_WITH_ERRORS,
    "failed": cat.JOB_STATE_FAILED,
    "cancelled": cat.JOB_STATE_CANCELLED,
}
FILE_STATES = {
    "pending": cat.FILE_STATE_PENDING,
    "stored": cat.FILE_STATE_STORED,
    "unchanged": cat.FILE_STATE_UNCHANGED,
    "skipped": cat.FILE_STATE_SKIPPED,
    "failed": cat.FILE_STATE_FAILED,
}


def named(field: str, names: Mapping[str, Any], number: int) -> str:
    """Our word for a number that a client sent. Raises `invalid_request` where there is none."""
    for name, value in names.items():
        if value == number:
            return name
    raise SonotypeError(Code.INVALID_REQUEST, f"{field}: {number} is not one of its values.")
