"""Expressions for Milvus. Only whole numbers, decimals and checked ids ever stand in one, never a user's text.

Every name is compared by its 64-bit key (`catalog/keys.py`), so there is nothing that a quote could break out of, and
nothing that depends on the engine's idea of case.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from sonotype.catalog.keys import UNKNOWN, name_key, signed
from sonotype.catalog.port import Range, TrackFilter
from sonotype.core.errors import Code, SonotypeError

ABSENT = -1e30
"""Stands for an unknown number."""
LARGEST = 1e29
ID_BYTES = 512
_ID = re.compile(r'[^\x00-\x1f\x7f"\\\ud800-\udfff]+')
_NOTHING = "draw < 0"


def storable(track_id: str) -> bool:
    """Whether an id can stand between quotation marks as it is, and fits its field; no other id is ever stored."""
    return _ID.fullmatch(track_id) is not None and len(track_id.encode()) <= ID_BYTES


def check_id(track_id: str) -> None:
    """Raises `invalid_request` for an id that cannot be stored."""
    if not storable(track_id):
        raise SonotypeError(Code.INVALID_REQUEST, "The id is too long, or holds characters that an id may not have.")


def exact_key(*parts: str) -> int:
    """The key of a text, or of several in their order, as it is: 63 bits, never 0."""
    text = "\x1f".join(part.encode("utf-8", "surrogatepass").hex() for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1 or 1


def one_of(field: str, ids: Iterable[str]) -> str:
    """Rows with one of these ids; those that cannot be stored are in none."""
    literals = (f'"{one}"' for one in ids if storable(one))
    return f"{field} in [{','.join(literals)}]"


def expression(where: TrackFilter) -> str:
    """A filter as an expression; empty where every track passes."""
    return " and ".join(f"({part})" for part in _conditions(where))


def both(*expressions: str) -> str:
    """All of these must hold."""
    return " and ".join(f"({one})" for one in expressions if one)


def carries(field: str, name: str) -> str:
    """Rows whose array holds the key of a name."""
    return f"array_contains({field}, {exact_key(name)})"


def _conditions(where: TrackFilter) -> Iterable[str]:
    if where.collections:
        yield _keys("collection", map(exact_key, where.collections))
    if where.artists:
        yield _keys("artist", (signed(name_key(name)) for name in where.artists))
    if where.albums:
        yield _keys("album_title", (signed(name_key(name)) for name in where.albums))
    yield from (carries("tags", tag) for tag in dict.fromkeys(where.tags))
    yield from (carries("labels", label) for label in dict.fromkeys(where.labels))
    if where.any_tags:
        yield f"array_contains_any(tags, [{_listed(map(exact_key, where.any_tags))}])"
    for field, limits in (("year", where.year), ("duration_s", where.duration_s), ("tempo_bpm", where.tempo_bpm)):
        if limits is not None:
            yield from _within(field, limits)


def _keys(field: str, keys: Iterable[int]) -> str:
    known = [key for key in keys if key != UNKNOWN]
    return f"{field} in [{_listed(known)}]" if known else _NOTHING


def _listed(keys: Iterable[int]) -> str:
    return ",".join(str(key) for key in dict.fromkeys(keys))


def _within(field: str, limits: Range) -> Sequence[str]:
    low = ABSENT if limits.low is None else limits.low
    return [f"{field} {'>' if limits.low is None else '>='} {number(low)}"] + (
        [] if limits.high is None else [f"{field} <= {number(limits.high)}"]
    )


def number(value: float) -> str:
    """A decimal literal; what is too large for any track is cut to what the field holds."""
    return repr(min(max(float(value), -LARGEST if value != ABSENT else ABSENT), LARGEST))
