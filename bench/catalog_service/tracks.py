"""A row of the corpus of `bench.catalog` as a track with the metadata that an ingested one has."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from pathlib import Path

from bench.catalog.corpus import Corpus
from bench.catalog.vectors import Floats
from sonotype.catalog.port import Range, TrackFilter
from sonotype.catalog.track import Draft, Metadata, TrackEvidence, TrackLabel
from sonotype.models.card import Card, read_any_card

MODELS = Path(__file__).parent / "models"
_ALBUM = 12  # tracks on one
_YEARS, _FIRST_YEAR = 7, 1950  # years that the value of a tenth stands for
_TAGS, _LABELS, _PROTOTYPES = 200, 50, 1000
_N_LABELS, _N_EVIDENCE = 6, 4


def stand_in() -> tuple[Card, str]:
    """The card that the service is started with, and the name of the generation that its vectors belong to."""
    card = read_any_card(MODELS / "stand-in" / "card.toml")
    if not isinstance(card, Card):
        raise TypeError("the stand-in is a network")
    return card, f"{card.address}.{card.embeddings[0].name}.{card.weights_sha256[:12]}"


def draft(corpus: Corpus, number: int, vector: Floats, generation: str) -> Draft:
    """A row as what `put` takes: about 1.5 kB of metadata, labels and evidence beside the vector."""
    some, row = random.Random(number), corpus.row(number)
    path = f"{row['thousandth']}/{number // _ALBUM}/{number}.flac"
    return Draft(
        id=track_id(number),
        metadata=_metadata(some, row, number, path),
        vectors={generation: vector},
        content_sha256=hashlib.sha256(path.encode()).hexdigest(),
        labels=tuple(
            TrackLabel("stand-in@1", f"label {i}", some.random()) for i in some.sample(range(_LABELS), _N_LABELS)
        ),
        evidence=tuple(
            TrackEvidence("prototypes@1", f"p{i}", f"label {i % _LABELS}", some.random())
            for i in some.sample(range(_PROTOTYPES), _N_EVIDENCE)
        ),
        source=path,
    )


def track_id(number: int) -> str:
    """The id of a row."""
    return f"t{number}"


def number_of(track_id_: str) -> int:
    """The reverse of `track_id`."""
    return int(track_id_[1:])


def where(corpus: Corpus, kind: str, query: int) -> TrackFilter:
    """The filter of a query, by the metadata that stand for its column."""
    asked = corpus.where(kind, query)
    if asked is None:
        return TrackFilter()
    if asked.column == "tenth":
        first = _FIRST_YEAR + _YEARS * asked.value
        return TrackFilter(year=Range(first, first + _YEARS - 1))
    if asked.column == "thousandth":
        return TrackFilter(artists=(_artist(asked.value),))
    return TrackFilter(tags=(f"{asked.column} {asked.value}",))


def parameters(corpus: Corpus, kind: str, query: int) -> Mapping[str, str | int]:
    """The same for the address of a request."""
    one = where(corpus, kind, query)
    if one.year is not None:
        return {"year_min": int(one.year.low or 0), "year_max": int(one.year.high or 0)}
    return {"tag": one.tags[0]} if one.tags else {"artist": one.artists[0]} if one.artists else {}


def _metadata(some: random.Random, row: Mapping[str, int], number: int, path: str) -> Metadata:
    return Metadata(
        external_id=path,
        title=f"Title {number}",
        artist=_artist(row["thousandth"]),
        album=f"Album {number // _ALBUM}",
        year=_FIRST_YEAR + _YEARS * row["tenth"] + some.randrange(_YEARS),
        duration_s=round(some.uniform(60, 420), 1),
        tempo_bpm=round(some.uniform(60, 180), 1),
        tags=(f"region {row['region']}", f"hundredth {row['hundredth']}", f"tag {some.randrange(_TAGS)}"),
        extra={"disc": 1 + number % 2},
    )


def _artist(number: int) -> str:
    return f"Artist {number}"
