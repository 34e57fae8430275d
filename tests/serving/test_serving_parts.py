"""The small parts: devices, messages, shared memory, limits, failures, and what the gateway may import."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonotype.core.errors import SonotypeError
from sonotype.serving import devices
from sonotype.serving.workers.failures import Failure, classify
from sonotype.serving.workers.limits import RowLimit
from sonotype.serving.workers.slab import Geometry, Slab, create_memfd
from sonotype.serving.workers.wire import MAX_BYTES, Unpacker, pack


def test_the_gateway_side_imports_no_torch() -> None:
    code = (
        "import sys, sonotype.serving.batcher, sonotype.serving.admission;"
        "assert not {'torch', 'openvino', 'torchaudio'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_devices_are_parsed() -> None:
    assert [d.name for d in devices.parse_devices("cpu:3")] == ["cpu"] * 3
    assert [d.name for d in devices.parse_devices("cuda:0, cuda:1")] == ["cuda:0", "cuda:1"]
    assert devices.parse_devices("cuda")[0].rows == 64
    assert len(devices.parse_devices("cpu")) == devices.cpu_count()
    for wrong in ("gpu", "cpu:0", "cuda:x", "", "cpu:2,cuda:0"):
        with pytest.raises(SonotypeError):
            devices.parse_devices(wrong)


def test_auto_prefers_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\nGPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-2)\n"
    monkeypatch.setattr(devices, "_smi", lambda *_: listing)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    devices.gpu_names.cache_clear()
    try:
        assert [d.name for d in devices.parse_devices("auto")] == ["cuda:0", "cuda:1"]
        devices.gpu_names.cache_clear()
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
        assert [d.name for d in devices.parse_devices("auto")] == ["cuda:0"]
        devices.gpu_names.cache_clear()
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        assert {d.name for d in devices.parse_devices("auto")} == {"cpu"}
    finally:
        devices.gpu_names.cache_clear()


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers(-100, 100), max_size=3)), st.integers(1, 9))
def test_messages_survive_any_chunking(messages: list[dict[str, int]], size: int) -> None:
    stream, unpacker = b"".join(map(pack, messages)), Unpacker()
    got = [m for i in range(0, len(stream), size) for m in unpacker.feed(stream[i : i + size])]
    assert got == messages


def test_a_broken_stream_is_noticed() -> None:
    with pytest.raises(ValueError, match="bytes"):
        list(Unpacker().feed((MAX_BYTES + 1).to_bytes(4, "little")))
    with pytest.raises(ValueError, match="expected"):
        list(Unpacker().feed(b"\x02\x00\x00\x00{]"))


def test_slots_of_a_slab_do_not_overlap_and_both_sides_see_them() -> None:
    geometry = Geometry(2, 3 * 10 * 4, 3 * 7 * 4)
    fd = create_memfd(geometry)
    here, there = Slab(fd, geometry), Slab(fd, geometry)
    os.close(fd)
    shapes = {"tags": (5,), "vector": (2,)}
    for slot in (0, 1):
        here.windows(slot, 3, 10)[...] = slot + 1
        for array in here.outputs(slot, 3, shapes).values():
            array[...] = -slot - 1
    for slot in (0, 1):
        np.testing.assert_array_equal(there.windows(slot, 3, 10), np.full((3, 10), slot + 1))
        assert {name: set(a.ravel()) for name, a in there.outputs(slot, 3, shapes).items()} == {
            "tags": {-slot - 1},
            "vector": {-slot - 1},
        }
    with pytest.raises(ValueError, match="bug"):
        here.windows(0, 4, 10)


def test_row_limit_halves_and_recovers_slowly() -> None:
    limit = RowLimit(64)
    limit.shrink(64)
    limit.shrink(32)
    assert limit.rows == 16
    for _ in range(250):
        limit.good()
    assert limit.rows == 18
    for _ in range(10_000):
        limit.good()
    assert limit.rows == 64
    for _ in range(10):
        limit.shrink(1)
    assert limit.rows == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), Failure.OOM),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), Failure.OOM),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), Failure.OOM),
        (RuntimeError("CUDA error: device-side assert triggered"), Failure.STICKY),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), Failure.STICKY),
        (ValueError("bad shape"), Failure.ERROR),
    ],
)
def test_failures_are_told_apart(error: Exception, kind: Failure) -> None:
    assert classify(error) is kind
