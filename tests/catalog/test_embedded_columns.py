from __future__ import annotations

import base64
import threading
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from conformance import DIM, vector
from embedded_kit import opened
from hypothesis import given, settings
from hypothesis import strategies as st

from sonotype.catalog.embedded import cursor
from sonotype.catalog.embedded.columns import Columns
from sonotype.catalog.embedded.facts import Facts, Kind, pack, pack_terms, terms_of, unpack_terms
from sonotype.catalog.embedded.filters import allowed
from sonotype.catalog.embedded.loading import load
from sonotype.catalog.embedded.schema import connect_writer
from sonotype.catalog.embedded.vectors import StoredVectors, checksum, decode, encode
from sonotype.catalog.port import Range, TrackFilter
from sonotype.catalog.track import Draft, Metadata, TrackLabel
from sonotype.catalog.vectors import unit
from sonotype.core.errors import Code, SonotypeError

WORDS = ("Red", "red", "Blue", "blau", "ß", "SS", "")
words = st.sampled_from(WORDS)
maybe = st.none() | words
numbers = st.none() | st.integers(0, 5) | st.sampled_from((0.1, 2.7, 3.5))
ranges = st.none() | st.builds(Range, numbers, numbers)
some = st.lists(words, max_size=3, unique=True).map(tuple)
metadata = st.builds(
    Metadata, collection=words, artist=maybe, album=maybe, year=st.none() | st.integers(0, 5), duration_s=numbers,
    tempo_bpm=numbers, tags=some,
)  # fmt: skip
drafts = st.builds(
    lambda known, labels: Draft(known, {}, labels=tuple(TrackLabel("net", name, 0.5) for name in labels)),
    metadata,
    some,
)
filters = st.builds(
    TrackFilter, collections=some, artists=some, albums=some, tags=some, any_tags=some, labels=some, year=ranges,
    duration_s=ranges, tempo_bpm=ranges,
)  # fmt: skip


def among(name: str | None, names: tuple[str, ...]) -> bool:
    """One of some names, without case; unknown is never among them."""
    return not names or bool(name and name.casefold() in {one.casefold() for one in names})


def within(value: float | None, limits: Range | None) -> bool:
    """In a closed range; unknown never is."""
    if limits is None or value is None:
        return limits is None
    return (limits.low is None or value >= limits.low) and (limits.high is None or value <= limits.high)


def passes(draft: Draft, where: TrackFilter) -> bool:
    """A filter as one would explain it."""
    known, labels = draft.metadata, {one.label for one in draft.labels}
    return (
        (not where.collections or (known.collection != "" and known.collection in where.collections))
        and among(known.artist, where.artists)
        and among(known.album, where.albums)
        and set(where.tags) <= set(known.tags)
        and (not where.any_tags or bool(set(where.any_tags) & set(known.tags)))
        and set(where.labels) <= labels
        and within(known.year, where.year)
        and within(known.duration_s, where.duration_s)
        and within(known.tempo_bpm, where.tempo_bpm)
    )


class Library:
    """Columns with the numbers of terms that the writer would give."""

    def __init__(self) -> None:
        self.columns = Columns()
        self._terms: dict[tuple[int, str], int] = {}

    def facts(self, slot: int, draft: Draft) -> Facts:
        terms = terms_of(draft)
        for term in terms:
            self._terms.setdefault(term, len(self._terms))
        self.columns.learn(self._terms)
        return Facts(slot, f"id-{slot}", pack(draft), pack_terms(self._terms[term] for term in terms))


@settings(max_examples=150, deadline=None)
@given(st.lists(drafts, max_size=12), st.lists(drafts, max_size=4), filters)
def test_filter_means_what_it_says(first: list[Draft], later: list[Draft], where: TrackFilter) -> None:
    library = Library()
    stored = {slot: library.facts(slot, one) for slot, one in enumerate(first, 1)}
    for facts in stored.values():
        library.columns.replace(None, facts)
    there = dict(enumerate(first, 1))
    for slot, one in zip(list(there), later, strict=False):  # some are replaced …
        library.columns.replace(stored[slot], new := library.facts(slot, one))
        stored[slot], there[slot] = new, one
    for slot in list(there)[1::3]:  # … and some deleted
        library.columns.remove(stored[slot])
        del there[slot]
    mask = allowed(library.columns, where)
    found = np.flatnonzero(library.columns.alive() if mask is None else mask).tolist()
    assert found == [slot for slot, one in there.items() if passes(one, where)]
    assert library.columns.tracks == len(there)


def test_columns_grow_and_ids_stay() -> None:
    library = Library()
    empty = Draft(Metadata(), {})
    for slot in range(1, 5000):
        library.columns.replace(None, library.facts(slot, empty))
    rows = library.columns.rows(np.array([4999, 1, 2500]))
    assert rows.ids == ("id-4999", "id-1", "id-2500")
    assert rows.alive.all()
    assert library.columns.size == 5000


def test_rows_leave_out_what_was_deleted() -> None:
    library = Library()
    for slot in (1, 2, 3):
        library.columns.replace(None, facts := library.facts(slot, Draft(Metadata(artist=f"a{slot}"), {})))
        if slot == 2:
            library.columns.remove(facts)
    rows = library.columns.rows(np.array([3, 2, 1]))
    assert rows.ids == ("id-3", "id-1")
    assert rows.alive.tolist() == [True, False, True]
    assert len(set(rows.artist.tolist())) == 2


def test_columns_are_whole_while_they_change() -> None:
    library = Library()
    states = [library.facts(1, Draft(Metadata(artist=name, year=year, tags=(name,)), {})) for name, year in
              (("x", 1), ("y", 2))]  # fmt: skip
    library.columns.replace(None, states[0])
    stop = threading.Event()

    def change() -> None:
        here = 0
        while not stop.is_set():
            library.columns.replace(states[here], states[1 - here])
            here = 1 - here

    changing = threading.Thread(target=change)
    changing.start()
    mixed = [TrackFilter(artists=("x",), year=Range(2, 2)), TrackFilter(tags=("y",), year=Range(1, 1))]
    try:
        for _ in range(300):
            assert not any(np.any(allowed(library.columns, where)) for where in mixed)
    finally:
        stop.set()
        changing.join()


async def test_loaded_columns_are_the_ones_that_were_kept(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    for seed in range(30):
        labels = (TrackLabel("net", f"l{seed % 4}", 0.5),)
        tags = tuple(f"t{n}" for n in range(seed % 5))
        await catalog.put(Draft(Metadata(artist=f"a{seed % 3}", year=seed, tags=tags), {}, f"i{seed}", None, labels))
    await catalog.put(Draft(Metadata(tags=("t9",)), {}, "i7"))
    await catalog.delete("i8")
    kept = catalog._columns
    loaded = await catalog._readers.run(load)
    np.testing.assert_array_equal(loaded.alive(), kept.alive())
    slots = np.flatnonzero(kept.alive())
    assert loaded.rows(slots).ids == kept.rows(slots).ids
    np.testing.assert_array_equal(loaded.rows(slots).artist, kept.rows(slots).artist)
    for term in [(kind, f"{letter}{n}") for kind, letter in ((Kind.TAG, "t"), (Kind.LABEL, "l")) for n in range(10)]:
        assert loaded.carriers(term) == kept.carriers(term), term
    await catalog.aclose()


@given(st.integers(0, 2**63 - 1))
def test_cursor_round_trip(slot: int) -> None:
    assert cursor.decode(cursor.encode(slot)) == slot


@given(st.text(max_size=20))
def test_no_other_text_is_a_cursor(text: str) -> None:
    with pytest.raises(SonotypeError) as caught:
        cursor.decode(text)
    assert caught.value.code is Code.INVALID_REQUEST


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3))
def test_unit_has_length_one_or_is_refused(values: list[float]) -> None:
    raw = np.array(values, np.float32)
    if not raw.any():
        with pytest.raises(SonotypeError):
            unit(raw, 3)
        return
    assert np.linalg.norm(unit(raw, 3).astype(np.float64)) == pytest.approx(1.0, abs=1e-6)


async def test_stored_vectors_come_in_blocks_without_the_damaged(tmp_path: Path) -> None:
    catalog = await opened(tmp_path)
    await catalog.aclose()
    path = tmp_path / "catalog.sqlite"
    blobs = [encode(unit(vector(seed), DIM)) for seed in range(10)]
    with closing(connect_writer(path)) as db:
        for slot, blob in enumerate(blobs, 1):
            crc = checksum(blob) + (slot == 4)
            db.execute("INSERT INTO vectors_1 (slot, crc, vector) VALUES (?, ?, ?)", (slot, crc, blob))
        db.execute("INSERT INTO vectors_1 (slot, crc, vector) VALUES (99, ?, ?)", (checksum(b"short"), b"short"))
    bad: list[int] = []
    source = StoredVectors(path, 1, DIM, bad.extend)
    assert source.rows().tolist() == list(range(1, 12))
    ((rows, slots, vectors),) = source.after(2)
    assert rows.tolist() == slots.tolist() == [3, 5, 6, 7, 8, 9, 10]
    assert bad == [4, 11]
    np.testing.assert_array_equal(vectors[0], decode(blobs[2]))
    assert list(source.after(11)) == []


def test_terms_are_packed_and_unpacked() -> None:
    assert unpack_terms(pack_terms([3, 1, 70_000])) == [3, 1, 70_000]
    assert pack_terms([]) == b""


@pytest.mark.parametrize("bits", [b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\x80" + b"\x00" * 7])
def test_a_forged_cursor_is_a_number_that_sqlite_takes(bits: bytes) -> None:
    forged = base64.urlsafe_b64encode(bits + zlib.crc32(bits).to_bytes(4, "big")).decode()
    assert -(2**63) <= cursor.decode(forged) < 2**63
