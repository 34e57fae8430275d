"""The catalogue behind the real command loses nothing when it is killed; at full size see `crasher.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
from crasher import Crasher, Plan


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_by_kills(tmp_path: Path) -> None:
    plan = Plan(ingests=200, before=130, kills=3, worker_kills=2, seed=1, recent=30, dim=16, eager=True, again=0)
    answer = Crasher(tmp_path, plan).run()
    assert answer["violations"] == []
    assert answer["gateway_kills"] >= 3
    assert answer["worker_kills"] == 2
    assert answer["by_graph"] > 50, "the graph is in use"
