"""How long workers have been away, whatever else the pool tells of meanwhile."""

from __future__ import annotations

import asyncio
import math
from types import SimpleNamespace
from typing import Any

import pytest

from sonotype.core.errors import Code, SonotypeError
from sonotype.serving.standing import Standing


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def pool(**facts: Any) -> Any:
    return SimpleNamespace(**{"up": 0, "workers": [SimpleNamespace(problem=None)], "problem": None} | facts)


async def test_a_worker_that_fails_to_come_back_does_not_start_the_clock_again() -> None:
    workers, clock = pool(), Clock()
    standing = Standing(workers, clock)
    assert (standing.away_s, standing.down_s) == (math.inf, 0)
    workers.up = 2
    assert standing.look() == (2, 0)
    clock.now += 50
    assert (standing.away_s, standing.down_s) == (0, 0)
    workers.up = 0
    assert standing.look() == (0, 2)
    for _ in range(5):
        clock.now += 4
        assert standing.look() == (0, 2)
    assert (standing.away_s, standing.down_s) == (20, 20)
    workers.up = 1
    assert standing.look() == (1, 2)
    assert (standing.away_s, standing.down_s) == (0, 0)


async def test_waiting_ends_with_the_first_worker_or_with_what_went_wrong() -> None:
    workers = pool()
    standing = Standing(workers)
    waiting = asyncio.create_task(standing.wait_ready(60))
    await asyncio.sleep(0)
    workers.up = 1
    standing.look()
    await waiting
    workers.up, workers.problem = 0, SonotypeError(Code.WEIGHTS_CORRUPT, "the weights are torn")
    workers.workers[0].problem = workers.problem
    with pytest.raises(SonotypeError, match="torn") as ready:
        await standing.wait_ready(60)
    with pytest.raises(SonotypeError, match="torn") as every:
        await standing.wait_every(60)
    assert (ready.value.code, every.value.code) == (Code.UNAVAILABLE, Code.WEIGHTS_CORRUPT)
    workers.problem = workers.workers[0].problem = None
    with pytest.raises(SonotypeError, match="in time"):
        await standing.wait_every(0.01)
