"""From a view of reasons to JSON; `schemas_reasons` says the same for OpenAPI."""

from __future__ import annotations

from typing import Any

from sonotype.api.http.render_prototypes import DECIMALS, badge_summary, heard, rounded
from sonotype.api.prototypes import badge_of
from sonotype.api.reasons import Heat, LabelReasons, ReasonsView, Share
from sonotype.plane.sonification import PrototypeInfo

# logits and evidence must still add up when many of them are summed
FINE_DECIMALS = 8


def reasons_body(reasons: ReasonsView) -> dict[str, Any]:
    """The `reasons` of a result."""
    body: dict[str, Any] = {
        "out_of_distribution": reasons.out_of_distribution,
        "similarity_max": round(reasons.similarity_max, DECIMALS),
        "ood_threshold": round(reasons.ood_threshold, DECIMALS),
        "labels": [_label(label) for label in reasons.labels],
        "nearest": [_nearest(info, similarity) for info, similarity in reasons.nearest],
    }
    return body if reasons.heat is None else body | {"heat": _heat(reasons.heat)}


def _label(shown: LabelReasons) -> dict[str, Any]:
    return {
        "label": shown.label,
        "logit": round(shown.logit, FINE_DECIMALS),
        "baseline": round(shown.baseline, FINE_DECIMALS),
        "for": [_share(share) for share in shown.pro],
        "against": [_share(share) for share in shown.con],
        "rest": round(shown.rest, FINE_DECIMALS),
    }


def _share(share: Share) -> dict[str, Any]:
    return {
        "id": share.prototype.id,
        "label": share.prototype.label,
        "evidence": round(share.evidence, FINE_DECIMALS),
        "similarity": round(share.similarity, DECIMALS),
        **heard(share.prototype),
    }


def _nearest(info: PrototypeInfo, similarity: float) -> dict[str, Any]:
    near = {"id": info.id, "label": info.label, "similarity": round(similarity, DECIMALS)}
    return near | heard(info) | {"badge": badge_summary(badge_of(info))}


def _heat(heat: Heat) -> dict[str, Any]:
    return {
        "label": heat.label,
        "starts_s": rounded(heat.starts_s),
        "prototypes": [info.id for info in heat.prototypes],
        "similarity": rounded(heat.similarity),
        "evidence": rounded(heat.evidence),
    }
