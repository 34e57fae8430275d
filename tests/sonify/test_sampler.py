"""Solvers against fields whose solution is known."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sonotype.models.sonify.sampler import Solver, guided, solve, time_grid

SOLVERS: list[Solver] = ["euler", "midpoint", "heun"]


@given(st.integers(1, 60), st.floats(0.2, 5.0), st.sampled_from(SOLVERS))
def test_the_true_velocity_leads_to_the_data_in_any_number_of_steps(steps: int, shift: float, solver: Solver) -> None:
    noise, data = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    found = solve(lambda x, t: data - noise, noise, time_grid(steps, shift), solver)
    assert torch.allclose(found, data, atol=1e-5)


@given(st.integers(1, 60), st.floats(0.2, 5.0))
def test_grids_rise_from_noise_to_data(steps: int, shift: float) -> None:
    grid = time_grid(steps, shift)
    assert (grid[0], len(grid)) == (0.0, steps + 1)
    assert grid[-1] == pytest.approx(1.0)
    assert all(a < b for a, b in pairwise(grid))


def test_a_shift_moves_steps_towards_the_noise() -> None:
    assert time_grid(10, 3.0)[5] < time_grid(10)[5] == pytest.approx(0.5)


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2)])
def test_errors_shrink_with_the_order_of_the_solver(solver: Solver, order: int) -> None:
    def error(steps: int) -> float:
        x = solve(lambda x, t: x, torch.ones(1, dtype=torch.float64), time_grid(steps), solver)
        return abs(float(x) - math.e)

    assert error(20) / error(40) == pytest.approx(2.0**order, rel=0.1)


def test_guidance_moves_away_from_the_unconditional() -> None:
    def velocity(x: Tensor, t: Tensor) -> Tensor:
        known = torch.full_like(x[: len(x) // 2], 3.0)
        return torch.cat((known, torch.ones_like(known)))

    assert float(guided(velocity, 2.0)(torch.zeros(1, 1), 0.5)) == 3.0 + 2.0 * (3.0 - 1.0)


def test_without_guidance_the_unconditional_is_not_computed() -> None:
    seen = []

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        seen.append(len(x))
        return x

    guided(velocity, 0.0)(torch.zeros(3, 1), 0.5)
    assert seen == [3]
