"""Follow a velocity field from noise to data: time grids, solvers and guidance."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

Velocity = Callable[[Tensor, float], Tensor]
Solver = Literal["euler", "midpoint", "heun"]


def time_grid(steps: int, shift: float = 1.0) -> list[float]:
    """Times from 0 (noise) to 1 (data), `steps` + 1 of them.

    A shift s maps a uniform time u to u / (u + s (1 - u)) (Esser et al. 2024, arXiv:2403.03206, equation 23, with
    time running the other way): above 1 the steps near the noise become shorter.
    """
    uniform = [i / steps for i in range(steps + 1)]
    return [u / (u + shift * (1.0 - u)) for u in uniform]


def solve(velocity: Velocity, noise: Tensor, times: list[float], solver: Solver = "euler") -> Tensor:
    """Integrate dx/dt = velocity(x, t) over the grid.

    Args:
        velocity: the field; called once per step by `euler`, twice by the others.
        noise: x at the first time.
        times: the grid, rising.
        solver: `euler`, or one of second order, `midpoint` or `heun`.

    Returns:
        x at the last time.
    """
    x = noise
    for start, end in pairwise(times):
        x = _STEPS[solver](velocity, x, start, end)
    return x


def guided(velocity: Callable[[Tensor, Tensor], Tensor], guidance: float) -> Velocity:
    """Classifier-free guidance (Ho & Salimans 2022, arXiv:2207.12598, equation 6): v_c + g (v_c - v_u).

    Args:
        velocity: maps latents [2B, …] and times [2B] to velocities; the first half of a batch is conditional, the
            second is not. With guidance 0 it gets the first half alone.
        guidance: g.
    """

    def field(x: Tensor, t: float) -> Tensor:
        if guidance == 0.0:
            return velocity(x, torch.full((len(x),), t))
        both = velocity(torch.cat((x, x)), torch.full((2 * len(x),), t))
        known, unknown = both.chunk(2)
        return known + guidance * (known - unknown)

    return field


def _euler(velocity: Velocity, x: Tensor, start: float, end: float) -> Tensor:
    return x + (end - start) * velocity(x, start)


def _midpoint(velocity: Velocity, x: Tensor, start: float, end: float) -> Tensor:
    middle = (start + end) / 2.0
    return x + (end - start) * velocity(x + (middle - start) * velocity(x, start), middle)


def _heun(velocity: Velocity, x: Tensor, start: float, end: float) -> Tensor:
    first = velocity(x, start)
    second = velocity(x + (end - start) * first, end)
    return x + (end - start) * (first + second) / 2.0


_STEPS: dict[str, Callable[[Velocity, Tensor, float, float], Tensor]] = {
    "euler": _euler,
    "midpoint": _midpoint,
    "heun": _heun,
}
