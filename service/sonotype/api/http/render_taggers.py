"""What decided the answer of a tagger, as JSON; `schemas_tagger_models` says the same for OpenAPI."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sonotype.api.http.render_prototypes import DECIMALS
from sonotype.api.neighbourhood import DecidedBy


def decided_by_body(shown: DecidedBy) -> dict[str, Any]:
    """The `decided_by` of a result."""
    return {
        "far": shown.far,
        "percentile": None if shown.percentile is None else round(shown.percentile, DECIMALS),
        "prototypes": [asdict(one) | {"distance": round(one.distance, DECIMALS)} for one in shown.near],
        "labels": [
            {"label": label, "shares": [round(share, DECIMALS) for share in shares]} for label, shares in shown.labels
        ],
    }
