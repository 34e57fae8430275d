"""Our words and the numbers of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.core.errors import Code, SonotypeError

TAILS = {"drop": pb.TAIL_POLICY_DROP, "repeat": pb.TAIL_POLICY_REPEAT, "pad": pb.TAIL_POLICY_PAD}
SHORTS = {"repeat": pb.SHORT_POLICY_REPEAT, "pad": pb.SHORT_POLICY_PAD, "refuse": pb.SHORT_POLICY_REFUSE}
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


def named(field: str, names: Mapping[str, Any], number: int) -> str:
    """Our word for a number that a client sent. Raises `invalid_request` where there is none."""
    for name, value in names.items():
        if value == number:
            return name
    raise SonotypeError(Code.INVALID_REQUEST, f"{field}: {number} is not one of its values.")
