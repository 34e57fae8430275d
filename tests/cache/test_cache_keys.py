"""Case 35: whatever changes the answer changes the key; nothing blurs into its neighbour."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonotype.core.types import Crop, Patchout
from sonotype.serving.cache import Cut, cache_key

hashes = st.binary(max_size=8).map(lambda data: hashlib.sha256(data).hexdigest())
words = st.from_regex(r"[a-z0-9_-]{1,32}", fullmatch=True)
seconds = st.floats(0, 1e6, allow_nan=False)
patchouts = st.builds(
    Patchout,
    time_every=st.integers(1, 9),
    freq_every=st.integers(1, 9),
    time_drop=st.integers(0, 200),
    freq_drop=st.integers(0, 9),
    seed=st.none() | st.integers(0, 2**31 - 1),
).filter(lambda patchout: not patchout.is_none)  # which says the same as None
cuts = st.builds(
    Cut,
    crop=st.builds(Crop, seconds, st.none() | seconds),
    frames=st.integers(1, 4000),
    hop_frames=st.integers(1, 4000),
    tail=st.sampled_from(["drop", "repeat", "pad", "align"]),
    short=st.sampled_from(["repeat", "pad", "refuse", "native"]),
    stored=st.sampled_from(["clip", "patches"]),
    patchout=st.none() | patchouts,
)
questions = st.fixed_dictionaries(
    {
        "task": words,
        "model_sha256": hashes,
        "precision": words,
        "frontend_sha256": hashes,
        "cut": cuts,
        "content_sha256": hashes,
        "schema": st.integers(1, 99),
    }
)
PLAIN: dict[str, Any] = {
    "task": "analyze",
    "model_sha256": "a" * 64,
    "precision": "fp32",
    "frontend_sha256": "b" * 64,
    "cut": Cut(Crop(), 187, 187, "repeat", "repeat"),
    "content_sha256": "c" * 64,
}


@given(questions, questions)
def test_two_questions_share_a_key_only_if_they_are_the_same(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert (cache_key(**one) == cache_key(**two)) == (one == two)


@given(questions, st.data())
def test_changing_any_single_part_changes_the_key(one: dict[str, Any], data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(sorted(one)))
    other = one | {part: data.draw(questions)[part]}
    assert (cache_key(**one) == cache_key(**other)) == (one == other)


@given(questions)
def test_a_key_has_seven_parts_and_no_strange_characters(question: dict[str, Any]) -> None:
    key = cache_key(**question)
    assert len(key.split(":")) == 7
    assert key.isascii()
    assert not set(key) & set(" \t\r\n*?[]{}")


@pytest.mark.parametrize("task", ["", "a:b", "a b", "Analyze", "x" * 33, "a\n", "é"])
def test_words_that_would_smuggle_a_separator_are_refused(task: str) -> None:
    with pytest.raises(ValueError, match="word"):
        cache_key(**PLAIN | {"task": task})


@pytest.mark.parametrize("part", ["model_sha256", "frontend_sha256", "content_sha256"])
@pytest.mark.parametrize("value", ["", "a" * 63, "a" * 65, "A" * 64, "a" * 63 + ":", "a" * 64 + "\n"])
def test_hashes_that_are_none_are_refused(part: str, value: str) -> None:
    with pytest.raises(ValueError, match="64"):
        cache_key(**PLAIN | {part: value})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_times_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        cache_key(**PLAIN | {"cut": Cut(Crop(value), 187, 187, "repeat", "repeat")})


def test_zero_has_one_key_however_it_is_written() -> None:
    keys = {cache_key(**PLAIN | {"cut": Cut(Crop(zero), 1, 1, "drop", "pad")}) for zero in (0, 0.0, -0.0)}
    assert len(keys) == 1


def test_the_key_reads_as_documented() -> None:
    expected = f"v2:analyze:{'a' * 16}:fp32:{'b' * 8}:0.0_end_187_187_repeat_repeat_clip:{'c' * 64}"
    assert cache_key(**PLAIN) == expected


def test_what_is_left_out_is_in_the_key_only_where_something_is() -> None:
    whole = Cut(Crop(), 187, 187, "repeat", "repeat")
    assert str(replace(whole, patchout=Patchout(seed=3))) == str(whole)
    fast = replace(whole, patchout=Patchout(time_every=4, freq_drop=1))
    assert str(fast) == f"{whole}_p-4-1-0-1-even"
    assert str(replace(fast, patchout=Patchout(time_every=4, freq_drop=1, seed=7))) == f"{whole}_p-4-1-0-1-7"
