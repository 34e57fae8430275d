"""Reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ranking_kit import track

from sonotype.catalog.ranking.values import SharedLabel, SharedPrototype, Why
from sonotype.catalog.ranking.why import why

A = track(
    "a",
    labels=[("rock", 0.9), ("guitar", 0.5), ("loud", 0.4)],
    evidence=[("p1", "guitar", 2.0), ("p2", "drums", 1.0), ("p3", "organ", 0.5)],
    artist="Low",
    album="Secret Name",
    title="Starfire",
    year=1999,
    tags=("slow", "winter"),
)
B = track(
    "b",
    labels=[("guitar", 0.8), ("rock", 0.3)],
    evidence=[("p3", "organ", 4.0), ("p1", "guitar", 1.0), ("p2", "drums", -1.0)],
    artist="LOW",
    album="secret name",
    title="Weight of Water",
    year=1999,
    tags=("winter", "night"),
)


def test_everything_shared_is_named_strongest_first() -> None:
    reasons = why(A, B, 0.875)
    assert reasons.tags == ("winter",)
    assert reasons.labels == (SharedLabel("m@1", "guitar", 0.5, 0.8), SharedLabel("m@1", "rock", 0.9, 0.3))
    assert reasons.prototypes == (
        SharedPrototype("p1", "p@1", "guitar", 2.0, 1.0, 0.25),
        SharedPrototype("p3", "p@1", "organ", 0.5, 4.0, 0.25),
    )
    assert reasons.same == ("album", "artist", "year")
    assert reasons.similarity == 0.875
    assert reasons.sentence == (
        "Both are on “Secret Name” by Low, share prototypes of guitar and organ, sound like guitar and rock"
        " and are tagged winter."
    )


def test_the_reasons_do_not_depend_on_who_is_asked_first() -> None:
    def turned(reasons: Why) -> Why:
        labels = (replace(it, score_a=it.score_b, score_b=it.score_a) for it in reasons.labels)
        prototypes = (replace(it, share_a=it.share_b, share_b=it.share_a) for it in reasons.prototypes)
        sentence = reasons.sentence.casefold()
        return replace(reasons, labels=tuple(labels), prototypes=tuple(prototypes), sentence=sentence)

    one, other = why(A, B, 0.5), why(B, A, 0.5)
    assert turned(one) == replace(other, sentence=other.sentence.casefold())


@given(st.permutations(range(3)), st.permutations(range(3)))
def test_the_order_of_what_is_stored_does_not_matter(labels: list[int], evidence: list[int]) -> None:
    other = replace(A, labels=tuple(A.labels[at] for at in labels), evidence=tuple(A.evidence[at] for at in evidence))
    assert why(other, B, 0.1) == why(A, B, 0.1)


@pytest.mark.parametrize(
    ("a", "b", "similarity", "sentence"),
    [
        (track(), track(), None, "The catalogue knows of nothing that both have in common."),
        (
            track(),
            track(),
            0.734,
            "No tag, label or prototype is common to both; the cosine of their embeddings is 0.73.",
        ),
        (track(isrc="US-1"), track(isrc="us1"), 1.0, "Both are the same recording."),
        (track(content_sha256="ab"), track(content_sha256="ab"), 1.0, "Both are the same recording."),
        (track(artist="X", title="Y"), track(artist="x", title="y"), 0.1, "Both are by X and are called “Y”."),
        (track(album="Y"), track(album="y"), 0.1, "Both are on “Y”."),
        (track(tags=tuple("abcde")), track(tags=tuple("abcde")), 0.1, "Both are tagged a, b and c."),
    ],
)
def test_the_sentence(a: object, b: object, similarity: float | None, sentence: str) -> None:
    assert why(a, b, similarity).sentence == sentence


def test_shares_of_two_models_are_not_compared() -> None:
    strange = replace(B, evidence=tuple(replace(it, model="q@1") for it in B.evidence))
    assert why(A, strange, 0.5).prototypes == ()
