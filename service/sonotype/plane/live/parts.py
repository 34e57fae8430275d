"""The models of a session: a plan for every network, and the heads that read its answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import ClipInfo, Floats, ModelResult, PatchReport
from sonotype.models.card import Card
from sonotype.plane.answer import Rows, aggregate, to_result
from sonotype.plane.compute import plan_id
from sonotype.plane.deployment import Model
from sonotype.plane.heads import Head
from sonotype.plane.live.port import Lineup, LiveModel
from sonotype.plane.live.query import ListenQuery
from sonotype.plane.plan import Plan, make_plan

DEFAULT_HOP_S: Final = 0.5
_LOADING_S = 5.0
_NO_CLIP = ClipInfo("", "live", 0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class Part:
    """One model of a session.

    Attributes:
        plan: of the network that runs.
        model: as callers see it.
        head: reads the answer of the network, where a head is asked.
    """

    plan: Plan
    model: LiveModel
    head: Head | None = None

    def scores(self, rows: Rows) -> Floats:
        """The scores of one patch, shape [n_labels], from the outputs of the network, each of shape [1, dim]."""
        taggram = rows["tags"] if self.head is None else self.head.explain(_result(self.plan, rows)).taggram
        scores: Floats = taggram[0]
        return scores


def make_parts(lineup: Lineup, query: ListenQuery, shortest_hop_s: float) -> list[Part]:
    """Fit a query to the models that are served.

    Raises:
        SonotypeError: `model_not_found`, `unavailable`, `invalid_request` for an option that a model cannot give.
    """
    asked = query.analysis
    if asked.hop_s is not None and asked.hop_s < shortest_hop_s:
        raise SonotypeError(Code.INVALID_REQUEST, f"hop_s must be at least {shortest_hop_s:g} here.")
    hop_s = max(DEFAULT_HOP_S, shortest_hop_s) if asked.hop_s is None else asked.hop_s
    fitted = replace(asked, hop_s=hop_s, tail="drop")
    found = [lineup.find(name) for name in asked.models or (lineup.default_model,)]
    by_address = {_address(model): model for model in found}
    return [_part(lineup, model, replace(query, analysis=fitted)) for model in by_address.values()]


def networks(parts: list[Part]) -> dict[str, Plan]:
    """The plans by their ids: one run of a network feeds every part that reads it."""
    return {plan_id(part.plan): part.plan for part in parts}


def _address(model: Model) -> str:
    return (model.card if isinstance(model, Head) else model).address


def _part(lineup: Lineup, model: Model, query: ListenQuery) -> Part:
    head = model if isinstance(model, Head) else None
    network = head.backbone if head else model
    assert isinstance(network, Card)  # noqa: S101 - what is no head is a network
    asked = head.fitted(query.analysis) if head else query.analysis
    plan = make_plan(network, asked, _precision(lineup, network))
    labels = head.card.labels if head else network.labels
    frame_s = plan.spec.hop_length / plan.spec.sample_rate_hz
    patch_s, hop_s = plan.patch.frames * frame_s, plan.patch.hop_frames * frame_s
    shown = LiveModel(_address(model), head.task if head else "multilabel", labels, patch_s, hop_s)
    return Part(plan, shown, head)


def _precision(lineup: Lineup, card: Card) -> str:
    precision = lineup.precision(card)
    if precision is None:
        raise SonotypeError(Code.UNAVAILABLE, "The models are still being loaded.", retry_after_s=_LOADING_S)
    return precision


def _result(plan: Plan, rows: Rows) -> ModelResult:
    """One patch as if it were a whole clip, which is what a head takes."""
    length_s = plan.patch.frames * plan.spec.hop_length / plan.spec.sample_rate_hz
    report = PatchReport(1, length_s, length_s, plan.patch.tail, plan.patch.short, 0.0, 0.0)
    answer = aggregate(plan, _NO_CLIP, report, np.zeros(1, np.float32), rows)
    return to_result(plan, answer, cached=False)
