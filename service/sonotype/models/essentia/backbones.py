"""Whether a head was made for a backbone: by the name that its metadata gives, and by the length of the embedding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card
from sonotype.models.essentia.heads import Head
from sonotype.models.essentia.metadata import Metadata

_VERSION = re.compile(r"-(?:bs[a-z0-9]+-)?[0-9]+$")


@dataclass(frozen=True, slots=True)
class Known:
    """A model that published heads stand on: the cards that are it, and which of their embeddings is meant."""

    cards: tuple[str, ...] = ()
    embedding: str = ""


BACKBONES = {
    "msd-musicnn": Known(("musicnn-msd",), "hidden"),
    "audioset-yamnet": Known(("yamnet",), "embedding"),
    "audioset-vggish": Known(),
    "openl3-music-mel128-emb512": Known(),
    "discogs-effnet": Known(),
    "discogs_artist_embeddings-effnet": Known(),
    "discogs_label_embeddings-effnet": Known(),
    "discogs_multi_embeddings-effnet": Known(),
    "discogs_release_embeddings-effnet": Known(),
    "discogs_track_embeddings-effnet": Known(),
}


def check_backbone(head: Head, metadata: Metadata, file: str, backbone: tuple[Card, str]) -> None:
    """Hold a head against the backbone that it is to stand on.

    Raises:
        SonotypeError: `invalid_request`: it was made for another model, for another embedding of it, or for one of
            another length; `model_not_found` where the backbone has no such embedding.
    """
    card, embedding = backbone
    widths = {spec.name: spec.dim for spec in card.embeddings}
    if embedding not in widths:
        names = ", ".join(widths) or "none"
        raise SonotypeError(Code.MODEL_NOT_FOUND, f"{card.name} has no embedding {embedding[:80]!r}; it has {names}.")
    named = _stem(metadata.backbone) or _from_name(PurePath(file).stem)
    if named and not _is(card, named):
        raise _other(f"The head was made for {named[:80]!r}, which {card.name} is not")
    if head.width != widths[embedding]:
        raise _other(f"The head takes {head.width} numbers, {card.name}@{embedding} has {widths[embedding]}")
    wanted = _embedding(card, named)
    if wanted and embedding != wanted:
        raise _other(f"The heads of Essentia stand on {card.name}@{wanted}, not on {embedding!r}")


def _is(card: Card, named: str) -> bool:
    """Whether a card is the model of that name: a known one, or one imported from its file."""
    known = BACKBONES.get(named, Known())
    return card.name in known.cards or named in {_stem(card.name), _stem(PurePath(card.source.member).stem)}


def _embedding(card: Card, named: str) -> str:
    if card.network.family == "musicnn":
        return "hidden"
    return BACKBONES.get(named, Known()).embedding if card.name in BACKBONES.get(named, Known()).cards else ""


def _from_name(stem: str) -> str:
    """The backbone in the name of a file, `<task>-<backbone>-<version>`; empty where there is none that is known."""
    plain = _stem(stem)
    return next((name for name in BACKBONES if plain.endswith(f"-{name}")), "")


def _stem(name: str) -> str:
    return _VERSION.sub("", name)


def _other(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, f"{detail}.")
