"""How many candidates to ask the engine for, when to ask for more, and what to say when it was not enough."""

from __future__ import annotations

from collections.abc import Mapping

from sonotype.catalog.ranking.values import Constraints, Hubness
from sonotype.catalog.ranking.words import listed

FACTOR = 10
"""Candidates per track wanted, where anything but the cosine decides (measured in docs/similarity.md)."""
LEAST = 100
"""At least so many: the index visits more anyhow."""
GROWTH = 4
MOST = 20_000

_REASONS = {
    "max_per_artist": "would exceed max_per_artist",
    "max_per_album": "would exceed max_per_album",
    "hide_duplicates": "are duplicates of a recording",
    "exclude": "are excluded",
}


def first_fetch(k: int, constraints: Constraints, diversity: float = 0.0, hubness: Hubness = "none") -> int:
    """How many candidates to begin with.

    Returns:
        k where the nearest tracks are the answer, else `FACTOR` times as many, at least `LEAST`.
    """
    limits = (constraints.max_per_artist, constraints.max_per_album)
    plain = all(limit is None for limit in limits) and not constraints.hide_duplicates
    if plain and diversity == 0 and hubness == "none":
        return k
    return min(max(FACTOR * k, LEAST), MOST)


def next_fetch(asked: int, came: int, chosen: int, k: int) -> int | None:
    """How many to ask for after constraints left too few.

    Args:
        asked: how many candidates were asked for last.
        came: how many there were.
        chosen: how many of them the constraints let through.
        k: how many are wanted.

    Returns:
        A larger number, or None where there are enough, where the engine has no more, or where it is time to stop.
    """
    if chosen >= k or came < asked or asked >= MOST:
        return None
    return min(asked * GROWTH, MOST)


def short_because(k: int, chosen: int, came: int, refused: Mapping[str, int]) -> str | None:
    """Why there are fewer than asked for, in one sentence; None where there are enough.

    Args:
        k: how many were asked for.
        chosen: how many there are.
        came: how many candidates the engine had.
        refused: how many of those each constraint ruled out, as `Ranked` says.
    """
    if chosen >= k:
        return None
    if came == 0:
        return "No other track matches the filter."
    found = f"Only {came} tracks were compared" if came >= MOST else f"Only {_tracks(came)} the filter"
    reasons = [f"{count} {_REASONS[name]}" for name, count in sorted(refused.items()) if count]
    return f"{found}; of them {listed(reasons)}." if reasons else f"{found}."


def _tracks(count: int) -> str:
    return "1 other track matches" if count == 1 else f"{count} other tracks match"
