"""Keys: equal names have equal keys, unknown ones none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonotype.catalog.keys import UNKNOWN, album_key, artist_key, name_key, normal_name, recording_keys, signed
from sonotype.catalog.track import Metadata

SHA = "ab" * 32


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Björk", "BJÖRK"),
        ("Björk", "Bjo\u0308rk"),
        ("  The   Beatles\t", "the beatles"),
        ("Straße", "STRASSE"),
        ("\uff21BBA", "abba"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other) != UNKNOWN


@pytest.mark.parametrize("names", [(None,), ("",), (" \t",), ("a", None), (None, "a"), ("\x1f",)])
def test_an_unknown_name_makes_the_key_unknown(names: tuple[str | None, ...]) -> None:
    assert name_key(*names) == UNKNOWN


def test_the_parts_of_a_key_are_kept_apart() -> None:
    assert len({name_key("a b", "c"), name_key("a", "b c"), name_key("c", "a b"), name_key("a\x1fb", "c")}) == 3


def test_keys_do_not_change_between_releases() -> None:
    assert name_key("Björk") == 1874715335073802292


@given(st.text())
def test_normalisation_is_idempotent(name: str) -> None:
    assert normal_name(normal_name(name)) == normal_name(name)


@given(st.text(min_size=1))
def test_keys_survive_a_signed_column(name: str) -> None:
    key = name_key(name)
    assert 0 <= key < 1 << 64
    assert int(np.array([signed(key)], np.int64).view(np.uint64)[0]) == key


def test_albums_of_two_artists_are_two() -> None:
    mine, yours = Metadata(artist="A", album="Greatest Hits"), Metadata(artist="B", album="Greatest Hits")
    nobodys = Metadata(album="greatest hits")
    assert len({album_key(mine), album_key(yours), album_key(nobodys), artist_key(mine)}) == 4
    assert album_key(nobodys) == album_key(Metadata(album="Greatest Hits")) != UNKNOWN
    assert album_key(Metadata(artist="A")) == artist_key(Metadata()) == UNKNOWN


def test_a_recording_is_known_by_content_mbid_or_isrc() -> None:
    assert recording_keys(None, None, None) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert recording_keys(SHA, None, "US-RC1-76-07839") == recording_keys(SHA.upper(), None, "usrc17607839")
    assert len(set(recording_keys("x", "x", "x"))) == 3
