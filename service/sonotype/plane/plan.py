"""From a query to plans: which model, which front end, how the clip is cut, under which cache key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Crop, EmbeddingScope, Fill, Patchout, Quality, TailPolicy
from sonotype.models.card import Card, ListedCard
from sonotype.models.card_parts import AnyFrontend, PatchSpec
from sonotype.models.grid import cost_share
from sonotype.plane.quality import choose_patchout
from sonotype.plane.query import AnalyzeQuery

# Below this hop neighbouring patches say the same and the cost per second of audio explodes.
MIN_HOP_S = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """One model's part of a request.

    Attributes:
        card: the model.
        frontend: name of the front end variant.
        spec: its constants.
        patch: how the clip is cut, the query's wishes included.
        precision: arithmetic that the workers use for this model.
        scope: whether the embeddings of every patch are wanted, and so kept in the cache.
        quality: as the answer reports it.
        patchout: what is left out of each patch; None leaves nothing out.
        cost_share: cost of a patch as a share of that of a whole one.
    """

    card: Card
    frontend: str
    spec: AnyFrontend
    patch: PatchSpec
    precision: str
    scope: EmbeddingScope = "clip"
    quality: Quality = "full"
    patchout: Patchout | None = None
    cost_share: float = 1.0

    def cost_s(self, audio_s: float) -> float:
        """Seconds of audio that the work on `audio_s` seconds of clip is worth: overlap adds, patchout saves."""
        return audio_s * max(1.0, self.patch.frames / self.patch.hop_frames) * self.cost_share

    @property
    def fill(self) -> Fill:
        """How a patch that the clip does not fill is filled; at most one patch of a clip is such."""
        if self.patch.tail in ("repeat", "pad"):
            return self.patch.tail
        return "repeat" if self.patch.short == "refuse" else self.patch.short


def make_plan(card: Card, query: AnalyzeQuery, precision: str, scope: EmbeddingScope | None = None) -> Plan:
    """Fit the query to one card; `scope` overrules the query's.

    Raises:
        SonotypeError: `invalid_request` for a front end, embedding, hop, crop or patchout the model cannot give.
    """
    frontend = query.frontend or card.default_frontend
    spec = card.frontends.get(frontend)
    if spec is None:
        raise _invalid(f"{card.name} has the front ends {_names(card.frontends)}; asked for was {frontend!r}.")
    _check_embeddings(card, query)
    _check_crop(query.crop)
    patch = _with_tail(card.patch, query.tail)
    patch = patch.model_copy(update={"hop_frames": _hop_frames(patch, spec, query.hop_s)})
    quality, patchout = choose_patchout(card, query)
    share = cost_share(card, patchout)
    return Plan(card, frontend, spec, patch, precision, scope or query.embedding_scope, quality, patchout, share)


def wanted_embeddings(card: ListedCard, names: tuple[str, ...]) -> tuple[str, ...]:
    """Embedding names of a query with `default` resolved: a card's first, or the one a head stands on."""
    default = card.embeddings[0].name if isinstance(card, Card) else card.backbone.embedding
    return tuple(default if name == "default" else name for name in names)


def _with_tail(patch: PatchSpec, tail: TailPolicy | None) -> PatchSpec:
    """A caller who says how tails are filled means clips shorter than a patch as well."""
    if tail is None:
        return patch
    short = tail if tail in ("repeat", "pad") and patch.short != "refuse" else patch.short
    return patch.model_copy(update={"tail": tail, "short": short})


def _hop_frames(patch: PatchSpec, spec: AnyFrontend, hop_s: float | None) -> int:
    if hop_s is None:
        return patch.hop_frames
    longest_s = patch.frames * spec.hop_length / spec.sample_rate_hz
    if not MIN_HOP_S <= hop_s <= longest_s + 0.01:
        raise _invalid(f"hop_s must lie between {MIN_HOP_S} and the length of a patch, {longest_s:.3f}.")
    return min(patch.frames, max(1, round(hop_s * spec.sample_rate_hz / spec.hop_length)))


def _check_embeddings(card: Card, query: AnalyzeQuery) -> None:
    known = {spec.name for spec in card.embeddings} | {"default"}
    for name in query.embeddings:
        if name not in known:
            raise _invalid(f"{card.name} has the embeddings {_names(known - {'default'})}; asked for was {name!r}.")


def _check_crop(crop: Crop) -> None:
    if crop.offset_s < 0 or (crop.duration_s is not None and crop.duration_s <= 0):
        raise _invalid("offset_s must not be negative and duration_s must be positive.")


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _invalid(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, detail)
