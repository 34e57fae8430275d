"""From rows of patches to the answer of one model, and to and from the form that the cache keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sonotype.core.types import ClipInfo, Floats, ModelResult, PatchReport
from sonotype.models.pooling import pooled
from sonotype.plane.plan import Plan

Rows = Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model said about one clip: facts (json) and arrays, ready to be cached or rendered."""

    meta: dict[str, Any]
    arrays: dict[str, Floats]


def aggregate(plan: Plan, clip: ClipInfo, report: PatchReport, starts_s: Floats, rows: Rows) -> Answer:
    """Pool the rows of the patches to the clip.

    Tags are the mean over patches, as the authors of MusiCNN do; each embedding is pooled as its card says. A last
    patch that overlaps the one before it counts less (`models.pooling`).

    Args:
        plan: the model and its cut.
        clip: facts of the decoded clip.
        report: how the clip was cut.
        starts_s: start of each patch, shape [n_patches].
        rows: output name to array, shape [n_patches, dim]; `tags` and every embedding of the card.
    """
    arrays = {"taggram": rows["tags"], "starts_s": starts_s}
    for spec in plan.card.embeddings:
        patches = rows[spec.name]
        arrays[f"patches/{spec.name}"] = patches
        arrays[f"clip/{spec.name}"] = pooled(patches, report, spec.pool)
    return Answer({"clip": asdict(clip), "patches": asdict(report)}, arrays)


def without_patch_embeddings(answer: Answer) -> Answer:
    """The small form: most callers ask for the clip only, and the patches are 95 % of the bytes."""
    return Answer(answer.meta, {k: v for k, v in answer.arrays.items() if not k.startswith("patches/")})


def clip_of(answer: Answer) -> ClipInfo:
    """The clip's facts."""
    return ClipInfo(**answer.meta["clip"])


def to_result(plan: Plan, answer: Answer, *, cached: bool) -> ModelResult:
    """The answer as the faces render it."""
    taggram, report = answer.arrays["taggram"], PatchReport(**answer.meta["patches"])
    return ModelResult(
        model=plan.card.address,
        model_sha256=plan.card.weights_sha256,
        frontend=plan.frontend,
        precision=plan.precision,
        labels=plan.card.labels,
        tags=pooled(taggram, report),
        taggram=taggram,
        starts_s=answer.arrays["starts_s"],
        embeddings=_named(answer.arrays, "clip/"),
        patch_embeddings=_named(answer.arrays, "patches/"),
        patches=report,
        cached=cached,
        quality=plan.quality,
        patchout=plan.patchout,
    )


def _named(arrays: Mapping[str, Floats], prefix: str) -> dict[str, Floats]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
