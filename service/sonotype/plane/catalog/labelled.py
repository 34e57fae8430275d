"""The labelled tracks that a tagger is fitted to: tracks of the catalogue with their tags, or a table of ids."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sonotype.catalog.port import Catalog
from sonotype.catalog.taggers.tagger import Tagger
from sonotype.catalog.taggers.values import Said
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.plane.catalog import tagger_limits as bounds
from sonotype.plane.catalog.check_query import checked_filter
from sonotype.plane.catalog.limits import check_id, invalid
from sonotype.plane.catalog.tagger_values import NewTagger

_PAGE = 200
Labelled = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled tracks with their vectors: ids, [n, D], [n, L]."""

    ids: tuple[str, ...]
    vectors: Floats
    said: Said
    labels: tuple[str, ...]


async def gather(catalog: Catalog, generation: str, new: NewTagger, tell: Callable[[int], None]) -> Corpus:
    """What a tagger is to be fitted to.

    Args:
        catalog: the engine.
        generation: whose vectors are read; tracks without one are left out.
        new: the tagger.
        tell: is told how many tracks have been read.

    Raises:
        SonotypeError: `invalid_request` for a table or labels that cannot be used; `not_found` for an unknown track.
    """
    found = read_csv(new.csv) if new.csv is not None else await _tagged(catalog, new, tell)
    labels = new.labels or _frequent(found)
    bounds.check_labels(labels)
    if new.csv is not None:
        await _check_known(catalog, list(found))
    vectors = await vectors_of(catalog, list(found), generation, tell)
    ids = tuple(track for track in found if track in vectors)
    bounds.check_size(len(ids), len(next(iter(vectors.values()), ())), new.method)
    place = {label: number for number, label in enumerate(labels)}
    said = np.full((len(ids), len(labels)), -1, dtype=np.int8)
    for row, track in enumerate(ids):
        said[row, [place[label] for label in found[track] if label in place]] = 1
    return Corpus(ids, np.stack([vectors[track] for track in ids]), said, labels)


def read_csv(data: bytes) -> Labelled:
    """A table of `id,label,label…`, one track a line; a first line that begins with `id` is a heading.

    Several labels may also stand in one field, parted by `;` or `|`.

    Raises:
        SonotypeError: `invalid_request`, naming the line.
    """
    if len(data) > bounds.MAX_CSV_BYTES:
        raise SonotypeError(Code.UPLOAD_TOO_LARGE, f"The table may have at most {bounds.MAX_CSV_BYTES} bytes.")
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise invalid("The table is no CSV in UTF-8.") from None
    found: Labelled = {}
    for number, row in enumerate(rows, 1):
        if not any(row) or (number == 1 and row[0].strip().lower() == "id"):
            continue
        track = row[0].strip()
        check_id(track, f"The track id in line {number} of the table")
        if track in found:
            raise invalid(f"Line {number} of the table names {track!r} again.")
        found[track] = _labels(row[1:])
    return found


async def vectors_of(
    catalog: Catalog, ids: Sequence[str], generation: str, tell: Callable[[int], None] = lambda _: None
) -> dict[str, Floats]:
    """Unit vectors of those tracks that have one in a generation; none where that is gone."""
    found: dict[str, Floats] = {}
    for start in range(0, len(ids), _PAGE):
        try:
            found |= await catalog.vectors(ids[start : start + _PAGE], generation)
        except SonotypeError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            return {}
        tell(len(found))
    return found


async def strangers(catalog: Catalog, tagger: Tagger, ids: Sequence[str]) -> dict[str, Floats]:
    """Vectors of those tracks that a tagger does not know itself, of its own generation and no other.

    Raises:
        SonotypeError: `not_found` for an unknown track, `conflict` for one without such a vector.
    """
    for track in ids:
        check_id(track)
    wanted = [track for track in dict.fromkeys(ids) if not tagger.knows(track)]
    found = await vectors_of(catalog, wanted, tagger.about.generation)
    missing = [track for track in wanted if track not in found]
    await _check_known(catalog, missing)
    if missing:
        detail = f"The track {missing[0]!r} has no embedding of the tagger's generation {tagger.about.generation}."
        raise SonotypeError(Code.CONFLICT, detail)
    return found


async def _tagged(catalog: Catalog, new: NewTagger, tell: Callable[[int], None]) -> Labelled:
    where, cursor = checked_filter(new.where), None
    found: Labelled = {}
    while True:
        page = await catalog.list(where, cursor, _PAGE)
        found |= {track.id: track.metadata.tags for track in page.tracks if track.metadata.tags}
        tell(len(found))
        if len(found) > bounds.MAX_TRACKS:
            raise invalid(f"There are more than {bounds.MAX_TRACKS} tagged tracks: narrow the filter.")
        cursor = page.cursor
        if cursor is None:
            return found


async def _check_known(catalog: Catalog, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), _PAGE):
        asked = ids[start : start + _PAGE]
        known = {track.id for track in await catalog.get_many(asked)}
        for track in asked:
            if track not in known:
                raise SonotypeError(Code.NOT_FOUND, f"There is no track {track!r}.")


def _frequent(found: Labelled) -> tuple[str, ...]:
    """Every label, sorted; too many are refused by name of the limit, not cut in silence."""
    return tuple(sorted(Counter(label for own in found.values() for label in own)))


def _labels(fields: Iterable[str]) -> tuple[str, ...]:
    parts = (part for field in fields for part in field.replace("|", ";").split(";"))
    return tuple(dict.fromkeys(label for part in parts if (label := " ".join(part.lower().split()))))
