"""`kill -9` between and during single inserts, again and again over one catalogue: is every acknowledged row found."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

from bench.catalog.process import Process

_FIRST = 2_000  # rows that are there before the first kill


def torture(name: str, folder: Path, rounds: int, seed: int) -> dict[str, Any]:
    """Kill an engine at random moments and look for what it had acknowledged.

    Args:
        name: of the engine.
        folder: a corpus of more than `_FIRST` rows.
        rounds: kills.
        seed: of the moments, 5 to 300 ms after the first acknowledged row.

    Returns:
        How many rows were acknowledged in all, `lost` by the store, `unfound` by a search, held `twice`, and the kills
        after which the engine did not `start` again.
    """
    rng, acknowledged, broken = random.Random(seed), [], 0
    with Process(name, folder) as process:
        process.ask("build", count=_FIRST, threads=2)
    following = _FIRST
    for _ in range(rounds):
        with Process(name, folder) as process:
            try:
                process.ask("open")
            except RuntimeError:
                broken += 1
                continue
            process.send("insert_until_killed", first=following)
            rows = [process.line()]
            timer = threading.Timer(rng.uniform(0.005, 0.3), process.strike)
            timer.start()
            while line := process.line():
                rows.append(line)
            timer.join()
        # the last line may be torn
        acknowledged += [int(row) for row in rows if row.endswith("\n")]
        with Process(name, folder) as process:
            process.ask("open")
            following = process.ask("check", rows=[])["next"]
    with Process(name, folder) as process:
        process.ask("open")
        found = process.ask("check", rows=acknowledged)
    return {
        "kills": rounds,
        "acknowledged": len(acknowledged),
        "lost": len(found["lost"]),
        "unfound": len(found["unfound"]),
        "twice": found["twice"],
        "not_started": broken,
    }
