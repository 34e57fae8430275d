"""The parts of the throughput benchmark that decide what is measured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from bench.contender import Contender, Run, family
from bench.throughput import graphdef, report
from bench.throughput.prepare import plan


def test_cuts_are_spread_over_the_files_and_overlap_only_if_they_must() -> None:
    durations = {Path("a"): 400.0, Path("b"): 190.0, Path("c"): 100.0}
    assert plan(durations, 3, 180.0) == [(Path("a"), 0.0), (Path("b"), 0.0), (Path("a"), 180.0)]
    assert len(set(plan(durations, 10, 180.0))) == 10
    with pytest.raises(ValueError, match="not enough"):
        plan({Path("c"): 100.0}, 1, 180.0)


def _node(name: str, op: str, *inputs: str) -> bytes:
    fields = graphdef.encode(1, name.encode()) + graphdef.encode(2, op.encode())
    fields += b"".join(graphdef.encode(3, source.encode()) for source in inputs)
    attribute = graphdef.encode(1, b"_output_shapes") + graphdef.encode(2, b"")
    return graphdef.encode(1, fields + graphdef.encode(5, attribute))


def test_freezing_keeps_what_the_output_needs_and_nothing_else() -> None:
    graph = _node("w", "VariableV2", "init") + _node("init", "Const") + _node("loss", "Mul", "model/Sigmoid")
    graph += _node("model/Placeholder_2", "Placeholder") + _node(
        "model/Sigmoid", "Sigmoid", "w:0", "^model/Placeholder_2"
    )
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    frozen = graphdef.freeze(graphdef.encode(2, graph), {"w": values})
    nodes = [{n: v for n, _, v in graphdef.fields(node)} for _, _, node in graphdef.fields(frozen)]
    assert [(node[1], node[2]) for node in nodes] == [
        (b"w", b"Const"),
        (b"model/Placeholder_2", b"Const"),
        (b"model/Sigmoid", b"Sigmoid"),
    ]
    assert values.tobytes() in nodes[0][5]
    assert b"_output_shapes" not in frozen


def test_agreement_counts_order_and_set_apart() -> None:
    tags = [0.9, 0.8, 0.7, 0.6, 0.5, 0.1]
    swapped = [0.8, 0.9, 0.7, 0.6, 0.5, 0.1]
    first, second = ([Run(1.0, 1.0, {"tags": values, "seconds": {}})] for values in (tags, swapped))
    agreement = report._agreement(first, second)
    assert agreement["top5_same_set"] == 1
    assert agreement["top5_same_order"] == agreement["top1_same"] == 0
    assert agreement["max_difference"] == pytest.approx(0.1)


_BURNER = """
import subprocess, sys
for line in sys.stdin:
    subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < 0.3: pass"])
    print('{"tags": [], "seconds": {}}', flush=True)
"""


def test_cost_includes_children() -> None:
    contender = Contender("burner", [sys.executable, "-c", _BURNER])
    try:
        run = contender.run(Path("x"))
        assert 0.2 < run.cpu_s < 3.0
        assert contender.peak_mb() > 1
    finally:
        contender.close()


def test_family_holds_grandchildren() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 20
        while len(found := family(process.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert found[0] == process.pid
        assert len(found) == 2
        assert os.getpid() not in found
    finally:
        process.communicate(b"\n", timeout=20)
