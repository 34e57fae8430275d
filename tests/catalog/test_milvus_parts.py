"""Parts of the catalogue on Milvus that need no engine."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from conformance import refused, unit
from hypothesis import given
from hypothesis import strategies as st

from sonotype.catalog.milvus.address import Address
from sonotype.catalog.milvus.entry import Clock
from sonotype.catalog.milvus.filters import expression, one_of
from sonotype.catalog.milvus.samples import Sample
from sonotype.catalog.milvus.scan import Walk
from sonotype.catalog.milvus.texts import join, pack, split, unpack
from sonotype.catalog.port import Range, TrackFilter
from sonotype.core.errors import Code

ANY = st.lists(st.text(max_size=20), max_size=3).map(tuple)
ENDS = st.none() | st.floats(allow_nan=False) | st.integers(-(10**40), 10**40)
RANGES = st.none() | st.builds(Range, ENDS, ENDS)
FILTERS = st.builds(
    TrackFilter, collections=ANY, artists=ANY, albums=ANY, tags=ANY, any_tags=ANY, labels=ANY,
    year=RANGES, duration_s=RANGES, tempo_bpm=RANGES,
)  # fmt: skip
WORDS = {"and", "in", "array_contains", "array_contains_any", "collection", "artist", "album_title", "tags", "labels",
         "year", "duration_s", "tempo_bpm", "draw"}  # fmt: skip


@given(FILTERS)
def test_no_text_of_a_user_stands_in_an_expression(where: TrackFilter) -> None:
    text = expression(where)
    assert re.fullmatch(r"[a-z_ ()\[\],0-9.e+<>=-]*", text)
    assert set(re.findall(r"[a-z_]{2,}", text)) <= WORDS


@given(st.lists(st.text(max_size=10), max_size=5))
def test_ids_in_an_expression_end_where_their_quotes_end(ids: list[str]) -> None:
    assert re.fullmatch(r'id in \[("[^"\\\x00-\x1f\x7f]+"(,"[^"\\\x00-\x1f\x7f]+")*)?\]', one_of("id", ids))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://m:19530", Address("http://m:19530", False)),
        ("https://u:p@m/db?consistency=session&prefix=a_1", Address("https://u:p@m/db", False, "Session", "a_1")),
        ("/x/y.db?prefix=z", Address("/x/y.db", True, "Strong", "z")),
    ],
)
def test_address(url: str, expected: Address) -> None:
    assert Address.parse(url) == expected


@pytest.mark.parametrize(
    "url", ["", "x", "redis://m", "http://", "http://m?consistency=none", "http://m?prefix=a-b", "http://m?x=1"]
)
def test_bad_address_is_refused_and_not_repeated(url: str) -> None:
    with refused(Code.INVALID_REQUEST):
        Address.parse(url)


@given(st.binary(max_size=200_000 // 100).map(lambda data: data * 100))
def test_bytes_of_any_length_come_back_or_are_known_to_be_damaged(data: bytes) -> None:
    parts = split(data)
    assert join(parts) == data
    assert join([*parts[:-1], parts[-1][:-1]]) is None
    assert max(map(len, parts)) <= 65_000


def test_json_is_compressed_where_it_is_long() -> None:
    for data in (b"{}", b'{"a":"' + b"x" * 100_000 + b'"}'):
        assert unpack(pack(data)) == data
        assert len(pack(data)) <= 60_000


def test_statistics_are_those_of_the_cosines_to_the_sample() -> None:
    rng = np.random.default_rng(1)
    sample, vectors = (np.stack([unit(rng.normal(0.3, 1, 20)) for _ in range(n)]) for n in (40, 7))
    mean, std = Sample.of(sample).statistics(vectors)
    np.testing.assert_allclose(mean, (vectors @ sample.T).mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(std, (vectors @ sample.T).std(axis=1), atol=1e-6)


def test_clock_never_stands_still() -> None:
    clock = Clock()
    stamps = [clock.stamp() for _ in range(1000)]
    assert stamps == sorted(set(stamps))


class Shelf:
    """Rows as Milvus gives them: in no order, and no more than asked for."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    async def query(self, collection: str, text: str, fields: list[str], limit: int) -> list[dict[str, Any]]:
        return self._inside(text)[:limit]

    async def count(self, collection: str, text: str = "") -> int:
        return len(self._inside(text))

    def _inside(self, text: str) -> list[dict[str, Any]]:
        low, high = map(int, re.findall(r"[<>]=? (\d+)", text))
        return [row for row in self._rows if low <= row["at"] < high]


@given(
    st.lists(st.integers(0, 999) | st.integers(0, 10**15), max_size=120, unique=True),
    st.integers(1, 9),
    st.integers(0, 10**6),
)
async def test_walk_gives_every_row_once_and_in_order(places: list[int], wanted: int, width: int) -> None:
    shelf: Any = Shelf([{"id": str(n), "at": at} for n, at in enumerate(places)])
    walk = Walk(shelf, "c", "at", "", fields=[], wanted=wanted)
    seen = [row["at"] async for rows in walk.rows(0, 10**15 + 1, width) for row in rows]
    assert seen == sorted(places)
