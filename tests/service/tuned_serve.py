"""`sonotype` with an index that walks its graph, writes snapshots and rebuilds at a few hundred tracks already.

As shipped, a graph is walked only where comparing with all vectors would take longer, from some five thousand on.
Where `HOLD_REBUILD` names a file, a rebuild waits until the file is there.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from sonotype.catalog.index.index import GenerationIndex
from sonotype.catalog.index.rebuild import Rebuild
from sonotype.catalog.index.values import Tuning
from sonotype.main import run

EAGER = Tuning(
    graph_from=100,
    merge_at=16,
    snapshot_changes=40,
    snapshot_share=0.0,
    idle_s=0.05,
    candidate_us=0.001,
    merge_load=0.5,
)

HOLD = os.environ.get("HOLD_REBUILD")


def _held(rebuild: Rebuild, build: object = Rebuild._build) -> None:
    while HOLD and not Path(HOLD).exists() and not rebuild._stopped.is_set():
        time.sleep(0.02)
    build(rebuild)  # type: ignore[operator]


if __name__ == "__main__":
    GenerationIndex.open.__func__.__defaults__ = (EAGER,)  # type: ignore[attr-defined]
    Rebuild._build = _held  # type: ignore[method-assign]
    run()
