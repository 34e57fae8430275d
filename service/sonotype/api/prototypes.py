"""What the faces say of a prototype: where it is heard, what is heard, and why it is that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode

from sonotype.models.heads.provenance import Badge
from sonotype.plane.port import Plane
from sonotype.plane.sonification import PrototypeInfo, Rendering

# passed: the decoded prototype, which passed the gate; replaced: it failed, and the real segment is offered instead;
# failed: it failed and is offered all the same, for there is no segment; ungated: nobody put it through the gate;
# silent: nothing can be played
Verdict = Literal["passed", "replaced", "failed", "ungated", "silent"]


@dataclass(frozen=True, slots=True)
class PrototypeView:
    """One prototype as it is shown.

    Attributes:
        info: as the plane knows it.
        verdict: the relation of what is offered to the gate.
        note: the same as a sentence.
    """

    info: PrototypeInfo
    verdict: Verdict
    note: str


def view_prototype(info: PrototypeInfo) -> PrototypeView:
    """Say what is offered for a prototype and why."""
    verdict, badge = _verdict(info), badge_of(info)
    note = _NOTES[verdict].format(failed=", ".join(badge.failed) if badge else "")
    if verdict == "ungated" and info.offered is not None and info.offered.kind == "segment":
        note = "There is no decoder; the nearest real segment is played."
    if badge is not None and badge.tries > 1 and info.offered is not None and info.offered.kind == "prototype":
        note += f" Of {badge.tries} sonifications per seed the one nearest to its embedding is kept."
    return PrototypeView(info, verdict, note)


def view_prototypes(plane: Plane, model: str | None, label: str | None) -> list[PrototypeView]:
    """The prototypes of the served models, of one model or label where named. Raises `model_not_found`."""
    return [view_prototype(info) for info in plane.prototypes(model, label)]


def badge_of(info: PrototypeInfo) -> Badge | None:
    """The gate's verdict on the decoded prototype; None where nothing was gated."""
    return None if info.record is None else info.record.prototype


def prototype_url(prototype_id: str) -> str:
    """Path of a prototype on the REST face."""
    return f"/v1/prototypes/{quote(prototype_id, safe='')}"


def offered_url(info: PrototypeInfo) -> str | None:
    """Path of the audio that is offered for a prototype; None where nothing plays."""
    return None if info.offered is None else f"{prototype_url(info.id)}/audio"


def rendering_url(info: PrototypeInfo, rendering: Rendering) -> str:
    """Path of one particular rendering."""
    asked: dict[str, str | int] = {"kind": rendering.kind}
    if rendering.kind != "segment":
        asked["seed"] = rendering.seed
    return f"{prototype_url(info.id)}/audio?{urlencode(asked)}"


def say_rendering(rendering: Rendering) -> str:
    """A rendering in one line: `prototype; seed=0`, `segment`."""
    return rendering.kind if rendering.kind == "segment" else f"{rendering.kind}; seed={rendering.seed}"


def _verdict(info: PrototypeInfo) -> Verdict:
    badge = badge_of(info)
    if info.offered is None:
        return "silent"
    segment = info.offered.kind == "segment"
    if badge is None or (badge.passed and segment):
        return "ungated"
    if badge.passed:
        return "passed"
    return "replaced" if segment else "failed"


_NOTES: dict[Verdict, str] = {
    "passed": "The decoded prototype passed the faithfulness gate.",
    "replaced": "The decoded prototype falls short in {failed}; the nearest real segment is played instead.",
    "failed": "The decoded prototype falls short in {failed}, and there is no real segment to play instead.",
    "ungated": "The decoded prototype has not been through the faithfulness gate.",
    "silent": "There is neither a decoder nor a real segment, so nothing can be played.",
}
