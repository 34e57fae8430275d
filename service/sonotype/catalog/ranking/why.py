"""Why two tracks are alike, in facts and in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sonotype.catalog.keys import UNKNOWN, album_key, artist_key, name_key, recording_keys
from sonotype.catalog.ranking.values import SharedLabel, SharedPrototype, Why
from sonotype.catalog.ranking.words import listed
from sonotype.catalog.track import Track, TrackEvidence

_MOST_NAMED = 3


def why(a: Track, b: Track, similarity: float | None) -> Why:
    """Compare what the catalogue knows of two tracks.

    The reasons of (a, b) are those of (b, a), in the same order. Equal strengths are ordered by name.

    Args:
        a: one track.
        b: another.
        similarity: cosine of their embeddings, where both have one in the current generation.
    """
    tags = tuple(sorted(set(a.metadata.tags) & set(b.metadata.tags)))
    reasons = Why(tags, _labels(a, b), _prototypes(a, b), _same(a, b), similarity, sentence="")
    return replace(reasons, sentence=_sentence(a, reasons))


def _labels(a: Track, b: Track) -> tuple[SharedLabel, ...]:
    mine = {(it.model, it.label): it.score for it in a.labels}
    shared = [
        SharedLabel(it.model, it.label, mine[it.model, it.label], it.score)
        for it in b.labels
        if (it.model, it.label) in mine
    ]
    return tuple(sorted(shared, key=lambda it: (-min(it.score_a, it.score_b), it.label, it.model)))


def _prototypes(a: Track, b: Track) -> tuple[SharedPrototype, ...]:
    """Those that speak for their label in both; a share that speaks against it (negative) is no reason."""
    mine, most_a, most_b = _shares(a.evidence), _largest(a.evidence), _largest(b.evidence)
    shared = []
    for (model, prototype, label), share_b in _shares(b.evidence).items():
        share_a = mine.get((model, prototype, label))
        if share_a is not None:
            strength = min(share_a / most_a[model], share_b / most_b[model])
            shared.append(SharedPrototype(prototype, model, label, share_a, share_b, strength))
    return tuple(sorted(shared, key=lambda it: (-it.strength, it.prototype, it.model, it.label)))


def _shares(evidence: Iterable[TrackEvidence]) -> dict[tuple[str, str, str], float]:
    return {(it.model, it.prototype, it.label): it.share for it in evidence if it.share > 0}


def _largest(evidence: Iterable[TrackEvidence]) -> dict[str, float]:
    largest: dict[str, float] = {}
    for it in evidence:
        largest[it.model] = max(it.share, largest.get(it.model, 0.0))
    return largest


def _same(a: Track, b: Track) -> tuple[str, ...]:
    one, other = a.metadata, b.metadata
    recordings = zip(_recording(a), _recording(b), strict=True)
    facts = {
        "recording": any(x == y != UNKNOWN for x, y in recordings),
        "album": album_key(one) == album_key(other) != UNKNOWN,
        "artist": artist_key(one) == artist_key(other) != UNKNOWN,
        "title": name_key(one.title) == name_key(other.title) != UNKNOWN,
        "year": one.year is not None and one.year == other.year,
    }
    return tuple(name for name, holds in facts.items() if holds)


def _recording(track: Track) -> tuple[int, int, int]:
    return recording_keys(track.content_sha256, track.metadata.mbid, track.metadata.isrc)


def _sentence(track: Track, why: Why) -> str:
    phrases = [*_same_phrases(track, why.same)]
    if why.prototypes:
        phrases.append(f"share prototypes of {_names(it.label for it in why.prototypes)}")
    if why.labels:
        phrases.append(f"sound like {_names(it.label for it in why.labels)}")
    if why.tags:
        phrases.append(f"are tagged {_names(why.tags)}")
    if phrases:
        return f"Both {listed(phrases)}."
    if why.similarity is None:
        return "The catalogue knows of nothing that both have in common."
    return f"No tag, label or prototype is common to both; the cosine of their embeddings is {why.similarity:.2f}."


def _same_phrases(track: Track, same: Sequence[str]) -> Iterable[str]:
    data = track.metadata
    if "recording" in same:
        yield "are the same recording"
    if "album" in same:
        yield f"are on “{data.album}”" + (f" by {data.artist}" if data.artist else "")
    elif "artist" in same:
        yield f"are by {data.artist}"
    if "title" in same and "recording" not in same:
        yield f"are called “{data.title}”"


def _names(names: Iterable[str]) -> str:
    return listed(list(dict.fromkeys(names))[:_MOST_NAMED])
