"""Ranges and validators of RFC 9110, without a server."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonotype.api.http.ranges import is_known, may_be_partial, wanted_range
from sonotype.core.errors import Code, SonotypeError


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-99", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=10-", (10, 100)),
        ("bytes=90-5000", (90, 100)),
        ("bytes=-1", (99, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes= 5-6 ", (5, 7)),
    ],
)
def test_one_range(header: str, part: tuple[int, int]) -> None:
    assert wanted_range(header, 100) == part


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes= -",
        "bytes=- ",
        "bytes=a-b",
        "bytes=9-3",
        "items=0-1",
        "bytes=0-1,5-6",
        "bytes=--5",
        "bytes=1-2-3",
        "bytes=٣-٤",
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_what_is_no_single_range_gets_the_whole(header: str | None) -> None:
    assert wanted_range(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=999999999999-"])
def test_a_range_outside_is_refused(header: str) -> None:
    with pytest.raises(SonotypeError) as caught:
        wanted_range(header, 100)
    assert caught.value.code is Code.RANGE_NOT_SATISFIABLE


def test_nothing_can_be_asked_of_an_empty_resource() -> None:
    for header in ("bytes=0-", "bytes=-1", "bytes=0-0"):
        with pytest.raises(SonotypeError):
            wanted_range(header, 0)


@given(st.one_of(st.text(), st.from_regex(r"bytes=[0-9,\- ]{0,12}", fullmatch=True)), st.integers(0, 200))
def test_whatever_is_sent_the_part_lies_inside(header: str, n_bytes: int) -> None:
    with contextlib.suppress(SonotypeError):
        part = wanted_range(header, n_bytes)
        assert part is None or 0 <= part[0] < part[1] <= n_bytes


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (None, False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        ("", False),
    ],
)
def test_if_none_match_compares_weakly(header: str | None, known: bool) -> None:
    assert is_known(header, '"a"') is known


@pytest.mark.parametrize(
    ("header", "partial"),
    [(None, True), ('"a"', True), ('W/"a"', False), ('"b"', False), ("Wed, 21 Oct 2015 07:28:00 GMT", False)],
)
def test_if_range_compares_strongly(header: str | None, partial: bool) -> None:
    assert may_be_partial(header, '"a"') is partial
