"""Taggers as models: listed and asked under `tagger:NAME` beside the others, on the same pass of their backbone.

The prefix keeps the two kinds of names apart for good: a model that is pulled later may have the name of a tagger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sonotype.catalog.taggers.answering import Heard
from sonotype.catalog.taggers.store import TaggerStore
from sonotype.catalog.taggers.tagger import Facts, Tagger
from sonotype.catalog.taggers.values import About
from sonotype.catalog.vectors import unit
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import ModelResult, NearPrototype, Neighbourhood
from sonotype.models.card import TAGGER, Card, TaggerCard
from sonotype.models.card_parts import EmbeddingOf, LicenceSpec
from sonotype.models.registry import Registry
from sonotype.plane.catalog.space import Space, spaces
from sonotype.plane.deployment import Deployment

_UNKNOWN = LicenceSpec(spdx="NOASSERTION", commercial=False, holder="")


@dataclass(frozen=True, slots=True)
class TaggerModel:
    """A tagger whose backbone is served.

    Attributes:
        card: as it stands now.
        tagger: it.
        backbone: the network whose embedding it reads.
    """

    card: TaggerCard
    tagger: Tagger
    backbone: Card

    def explain(self, backbone: ModelResult) -> ModelResult:
        """Its answer from that of its backbone, by the embedding of the whole clip.

        Raises:
            SonotypeError: `item_failed` where that embedding is zero or not finite.
        """
        vector = backbone.embeddings[self.card.backbone.embedding]
        try:
            vector = unit(vector, self.tagger.taught.dim)
        except SonotypeError:
            detail = f"{self.backbone.name} finds nothing in this audio: its embedding is zero."
            raise SonotypeError(Code.ITEM_FAILED, detail) from None
        heard, version = self.tagger.hear(vector)
        scores = heard.scores.astype(np.float32)
        return replace(
            backbone,
            model=f"{self.card.name}@{version}",
            model_sha256=state_sha256(self.tagger.about, version),
            labels=self.card.labels,
            tags=scores,
            taggram=scores[None],
            starts_s=backbone.starts_s[:1],
            task="multilabel",
            neighbourhood=_neighbourhood(heard),
        )


class TaggerModels:
    """The taggers that are open, as models.

    Args:
        store: of the taggers.
        current: name of the generation that the catalogue searches.
    """

    def __init__(self, store: TaggerStore, current: Callable[[], str]) -> None:
        self._store, self._current = store, current

    def find(self, address: str, deployment: Deployment) -> TaggerModel:
        """The tagger of `tagger:NAME`, or `tagger:NAME@VERSION` where that is its newest version.

        Raises:
            SonotypeError: `model_not_found`; `conflict` where its backbone is not served (any more).
        """
        tagger, version = self._known(address)
        if version not in ("", str(tagger.facts().version)):
            detail = f"{address!r} is known, but what answers is version {tagger.facts().version}."
            raise SonotypeError(Code.MODEL_NOT_FOUND, detail)
        space = _space(tagger.about, deployment)
        if space is None:
            generation = tagger.about.generation
            detail = f"{address!r} reads embeddings of the generation {generation}, whose model is not served here."
            raise SonotypeError(Code.CONFLICT, detail)
        return TaggerModel(self._card(tagger, tagger.facts(), space.card.licence), tagger, space.card)

    def card(self, address: str, deployment: Deployment, registry: Registry) -> tuple[TaggerCard, Card | None]:
        """A tagger as it stands, also by an older version of it, and its backbone where that is served.

        Raises:
            SonotypeError: `model_not_found`.
        """
        tagger, version = self._known(address)
        space = _space(tagger.about, deployment)
        licence = _licence(tagger.about, registry) if space is None else space.card.licence
        facts = tagger.facts()
        known = replace(facts, version=int(version)) if version else facts
        return self._card(tagger, known, licence), None if space is None else space.card

    def names(self) -> list[str]:
        """`tagger:NAME` of all of them."""
        return [TAGGER + tagger.about.name for tagger in self._store.all()]

    def _known(self, address: str) -> tuple[Tagger, str]:
        name, _, version = address.removeprefix(TAGGER).partition("@")
        try:
            tagger = self._store.get(name)
        except SonotypeError as error:
            code = Code.MODEL_NOT_FOUND if error.code is Code.NOT_FOUND else error.code
            raise SonotypeError(code, error.detail) from None
        if version and version not in map(str, range(1, tagger.facts().version + 1)):
            raise SonotypeError(Code.MODEL_NOT_FOUND, f"The tagger {name} has no version {version[:20]!r}.")
        return tagger, version

    def _card(self, tagger: Tagger, facts: Facts, licence: LicenceSpec) -> TaggerCard:
        about = tagger.about
        return TaggerCard(
            name=TAGGER + about.name,
            version=str(facts.version),
            title=about.name,
            description=f"Taught by {facts.tracks} tracks of the catalogue; {facts.prototypes} prototypes decide.",
            labels=about.labels,
            backbone=backbone_of(about.generation),
            generation=about.generation,
            tracks=facts.tracks,
            prototypes=facts.prototypes,
            corrections=facts.corrections,
            stale=about.generation != self._current(),
            sha256=state_sha256(about, facts.version),
            licence=licence,
        )


def backbone_of(generation: str) -> EmbeddingOf:
    """The embedding that a generation `<name>@<version>.<embedding>.<hash>` holds."""
    address, _, _ = generation.rpartition(".")
    card, _, embedding = address.rpartition(".")
    return EmbeddingOf(model=card.partition("@")[0], embedding=embedding)


def state_sha256(about: About, version: int) -> str:
    """Hash (hex) that tells every state of every tagger from all others."""
    said = f"{about.name}\n{about.created_at.isoformat()}\n{about.generation}\n{version}"
    return hashlib.sha256(said.encode()).hexdigest()


def _space(about: About, deployment: Deployment) -> Space | None:
    return next((space for space in spaces(deployment) if space.generation == about.generation), None)


def _licence(about: About, registry: Registry) -> LicenceSpec:
    card = registry.cards().get(backbone_of(about.generation).model)
    return _UNKNOWN if card is None else card.licence


def _neighbourhood(heard: Heard) -> Neighbourhood:
    near = tuple(NearPrototype(one.prototype, one.distance, one.members, one.examples) for one in heard.near)
    return Neighbourhood(near, np.stack([one.shares for one in heard.near], axis=1), heard.percentile, heard.is_far)
