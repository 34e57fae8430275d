"""Index sets of patchout: laws that hold for any grid and any combination."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonotype.core.types import Patchout
from sonotype.models.nets.patchout import grid_size, kept

patchouts = st.builds(
    Patchout,
    time_every=st.integers(1, 8),
    freq_every=st.integers(1, 12),
    time_drop=st.integers(0, 200),
    freq_drop=st.integers(0, 12),
    seed=st.none() | st.integers(0, 2**63),
)
grids = st.tuples(st.integers(1, 9), st.integers(1, 187))


@given(grids, patchouts)
def test_any_combination_stays_inside_the_grid(grid: tuple[int, int], patchout: Patchout) -> None:
    rows, columns = grid
    stay = kept(rows, columns, patchout)
    axes = (
        (rows, stay.rows, patchout.freq_every, patchout.freq_drop),
        (columns, stay.columns, patchout.time_every, patchout.time_drop),
    )
    for size, found, every, drop in axes:
        assert len(found) == max(1, -(-size // every) - drop)
        assert (np.diff(found) > 0).all()
        assert found[0] >= 0
        assert found[-1] < size
        assert not (found % every).any()
    assert stay.patches == len(stay.rows) * len(stay.columns)


@given(grids, patchouts)
def test_the_same_request_leaves_out_the_same(grid: tuple[int, int], patchout: Patchout) -> None:
    first, second = kept(*grid, patchout), kept(*grid, patchout)
    assert first.rows.tolist() == second.rows.tolist()
    assert first.columns.tolist() == second.columns.tolist()


@given(st.integers(2, 187), st.data())
def test_without_a_seed_what_is_left_out_is_evenly_spaced(columns: int, data: st.DataObject) -> None:
    drop = data.draw(st.integers(0, columns - 2))
    steps = np.diff(kept(9, columns, Patchout(time_drop=drop)).columns)
    assert steps.max() - steps.min() <= 1


def test_steps_come_first_and_counts_apply_to_what_they_left() -> None:
    stay = kept(9, 20, Patchout(time_every=3, freq_every=2, time_drop=2, freq_drop=1))
    assert stay.columns.tolist() == [0, 3, 6, 12, 15]
    assert stay.rows.tolist() == [0, 2, 4, 6]


def test_seeds_differ_and_the_columns_of_a_seed_do_not_depend_on_the_rows() -> None:
    columns = {seed: tuple(kept(9, 187, Patchout(time_drop=90, seed=seed)).columns) for seed in range(5)}
    assert len(set(columns.values())) == 5
    with_rows = kept(9, 187, Patchout(time_drop=90, freq_every=3, freq_drop=1, seed=3))
    assert tuple(with_rows.columns) == columns[3]


@pytest.mark.parametrize(
    ("length", "patches"), [(0, 0), (15, 0), (16, 1), (25, 1), (26, 2), (96, 9), (316, 31), (1876, 187)]
)
def test_grid_size(length: int, patches: int) -> None:
    assert grid_size(length) == patches
