"""From what a caller asks of agreement and cost to what is left out of each patch."""

from __future__ import annotations

from collections.abc import Iterator

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Patchout, Quality
from sonotype.models.card import Card
from sonotype.models.grid import Grid, grid_of
from sonotype.models.nets.patchout import kept
from sonotype.plane.query import AnalyzeQuery


def choose_patchout(card: Card, query: AnalyzeQuery) -> tuple[Quality, Patchout | None]:
    """The quality that an answer reports, and what is left out; None where nothing is.

    The counts of a request come on top of its quality. A model without presets answers every quality with `full`.

    Raises:
        SonotypeError: `invalid_request` for counts that the model's grid does not allow.
    """
    preset = card.patchout.get(query.quality)
    given = Patchout() if preset is None else Patchout(**preset.model_dump())
    _check(card, given, query)
    patchout = Patchout(
        given.time_every,
        given.freq_every,
        given.time_drop + query.patchout_time,
        given.freq_drop + query.patchout_freq,
        query.patchout_seed,
    )
    return "full" if preset is None else query.quality, None if patchout.is_none else patchout


def _check(card: Card, given: Patchout, query: AnalyzeQuery) -> None:
    if not (query.patchout_time or query.patchout_freq):
        return
    grid = grid_of(card)
    if grid is None:
        raise _invalid(f"{card.name} has no grid of patches: patchout_time and patchout_freq are not for it.")
    for option, asked, axis, size, stay in _axes(grid, given, query):
        if asked > stay - 1:
            left = "" if stay == size else f", of which quality {query.quality} keeps {stay}"
            raise _invalid(f"{card.name} has {size} {axis}{left}: {option} may be at most {stay - 1}, not {asked}.")


def _axes(grid: Grid, given: Patchout, query: AnalyzeQuery) -> Iterator[tuple[str, int, str, int, int]]:
    stay = kept(grid.rows, grid.columns, given)
    yield "patchout_time", query.patchout_time, "columns of patches (time)", grid.columns, len(stay.columns)
    yield "patchout_freq", query.patchout_freq, "rows of patches (frequency)", grid.rows, len(stay.rows)


def _invalid(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, detail)
