"""In which order the tracks of a playlist are played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from sonotype.catalog.keys import UNKNOWN
from sonotype.catalog.vectors import unit
from sonotype.core.types import Floats

Order = Literal["similarity", "smooth", "random"]


def arrange(
    ids: Sequence[str],
    vectors: Floats,
    artists: Sequence[int],
    *,
    order: Order,
    artist_gap: int = 0,
    start: Floats | None = None,
    before: Sequence[int] = (),
    random_seed: int = 0,
) -> list[int]:
    """Order tracks, keeping those of one artist apart as far as there are enough others.

    Args:
        ids: of the tracks, best first.
        vectors: their unit vectors, shape [n, D].
        artists: their artists' keys; tracks of unknown artists never wait.
        order: `similarity` keeps the order given, `smooth` goes to the nearest next (a greedy tour), `random` depends
            on the seed and on which tracks there are, not on the order given.
        artist_gap: tracks of other artists between two of one.
        start: the vector `smooth` begins near; None begins with the best track.
        before: artists of tracks played just before, oldest first.
        random_seed: any whole number.

    Returns:
        A permutation of the rows.
    """
    left = _shuffled(ids, random_seed) if order == "random" else list(range(len(ids)))
    here = unit(start) if start is not None else None
    played = [int(key) for key in before]
    keys = [int(key) for key in artists]
    result: list[int] = []
    while left:
        free = _may_follow(left, keys, played, artist_gap)
        row = free[0] if order != "smooth" or here is None else free[int(np.argmax(vectors[free] @ here))]
        left.remove(row)
        result.append(row)
        played.append(keys[row])
        here = vectors[row]
    return result


def _shuffled(ids: Sequence[str], random_seed: int) -> list[int]:
    by_name = sorted(range(len(ids)), key=ids.__getitem__)
    return [by_name[at] for at in np.random.default_rng(abs(random_seed)).permutation(len(ids))]


def _may_follow(left: list[int], keys: list[int], played: list[int], gap: int) -> list[int]:
    """The rows that may come next: those of an artist who would not fit any more later, else of any who has rested.

    An artist with c tracks left needs (c - 1) * (gap + 1) + 1 places. Where nobody has rested long enough, it is the
    turn of who has rested longest.
    """
    waits = _waits(played, gap)
    counts = Counter(keys[row] for row in left if keys[row] != UNKNOWN)
    urgent = {
        key for key, count in counts.items() if waits.get(key, 0) == 0 and (count - 1) * (gap + 1) + 1 >= len(left)
    }
    if urgent:
        return [row for row in left if keys[row] in urgent]
    shortest = min(waits.get(keys[row], 0) for row in left)
    return [row for row in left if waits.get(keys[row], 0) == shortest]


def _waits(played: list[int], gap: int) -> dict[int, int]:
    """Places until each of the last artists may be heard again."""
    recent = played[max(0, len(played) - gap) :]
    return {key: gap - (len(recent) - 1 - at) for at, key in enumerate(recent) if key != UNKNOWN}
