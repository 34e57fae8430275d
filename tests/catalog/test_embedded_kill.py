from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conformance import everything, unit, vector
from embedded_kit import opened, rows

from sonotype.catalog.port import TrackFilter

HERE = Path(__file__).parent
KILLS = (40, 137, 90, 160)
Truth = dict[str, set[int | None]]
"""What may stand under an id: the seed of its vector, None for nothing. One, unless the kill came in between."""


def run_and_kill(folder: Path, round_: int, lines: int, truth: Truth) -> int:
    """Let a child work until it has told so many lines, kill it, and note what it told until then."""
    path = os.pathsep.join([str(HERE), *sys.path])
    child = subprocess.Popen(
        [sys.executable, str(HERE / "embedded_child.py"), str(folder), str(round_)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    assert child.stdout is not None
    told = []
    with child, child.stdout:
        assert child.stdout.readline() == "open\n"
        for _ in range(lines):
            told.append(child.stdout.readline())
        child.kill()
        told += child.stdout.readlines()
    for line in told:
        sign, operation, id_, seed = line.split()
        outcome = int(seed) if operation == "put" else None
        truth[id_] = {outcome} if sign == "!" else truth.get(id_, {None}) | {outcome}
    return sum(line.startswith("!") for line in told)


async def check(folder: Path, truth: Truth) -> None:
    """Every acknowledged track is there, once, with its last vector; no deleted one is."""
    catalog = await opened(folder)
    listed = await everything(catalog, limit=100)
    assert len(listed) == len(set(listed))
    there = set(listed)
    for id_, outcomes in truth.items():
        assert (id_ in there) or None in outcomes, f"{id_} was lost"
        assert (id_ not in there) or outcomes != {None}, f"{id_} came back"
    vectors = await catalog.vectors(listed)
    assert set(vectors) == there
    for id_, stands in vectors.items():
        seeds = [seed for seed in truth[id_] if seed is not None and np.allclose(unit(vector(seed)), stands, atol=1e-6)]
        assert seeds, f"{id_} has a vector that is none of its own"
        truth[id_] = {seeds[0]}
        assert await everything(catalog, TrackFilter(tags=(f"seed{seeds[0]}",))) == [id_]
    for id_, outcomes in truth.items():
        if id_ not in there:
            outcomes.clear()
            outcomes.add(None)
    for exact in (True, False):
        found = (await catalog.search(vector(1), len(there) + 50, exact=exact)).candidates.ids
        assert sorted(found) == sorted(there)
    assert (await catalog.status()).tracks == len(there)
    await catalog.aclose()


@pytest.mark.chaos
async def test_kill_9_loses_nothing_and_brings_nothing_back(tmp_path: Path) -> None:
    truth: Truth = {}
    chance, done = random.Random(4), 0
    for round_, lines in enumerate(KILLS):
        done += run_and_kill(tmp_path, round_, lines + chance.randrange(20), truth)
        await check(tmp_path, truth)
    assert done > 150
    assert rows(tmp_path, "PRAGMA integrity_check") == [("ok",)]
