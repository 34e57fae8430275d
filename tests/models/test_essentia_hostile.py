"""Damaged and hostile files: an error of ours, in bounded time and memory, and nothing else."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundles import varint
from essentia_kit import attr, const, head, metadata, node, placeholder, put, random_layers, saved_model, tensor
from essentia_kit import write_tfjs as write_shards
from hypothesis import given, settings
from hypothesis import strategies as st

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card, read_card
from sonotype.models.essentia import graphdef
from sonotype.models.essentia.functions import inline
from sonotype.models.essentia.fused import unfuse
from sonotype.models.essentia.graphdef import read_graphdef
from sonotype.models.essentia.heads import Head, read_head
from sonotype.models.essentia.importing import find_output, import_model
from sonotype.models.essentia.metadata import Metadata, read_metadata
from sonotype.models.essentia.simplify import Flow
from sonotype.models.essentia.tfjs import read_tfjs
from sonotype.models.repository import builtin_repository

SMALL = random_layers((6, 4, 3), 1)
GRAPH = head(SMALL, "Softmax")
SAVED = saved_model(SMALL, "Sigmoid")
OURS = {Code.WEIGHTS_CORRUPT, Code.INVALID_REQUEST}


def read(data: bytes) -> Head | None:
    """A head, or None where it is refused with an error of ours."""
    try:
        graph = unfuse(inline(*read_graphdef(data)))
        output = find_output(graph, Metadata())
        with np.errstate(all="ignore"):
            return read_head(Flow(graph, output), output)
    except SonotypeError as error:
        return None if error.code in OURS and len(error.detail) < 300 else pytest.fail(error.detail)


def peak_of(act: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("data", [GRAPH, SAVED], ids=["frozen", "saved"])
def test_every_truncation_is_refused_or_another_graph(data: bytes) -> None:
    assert read(data) is not None
    for length in range(len(data)):
        found = read(data[:length])
        # whole nodes may be missing from the end, which leaves a shorter head
        assert found is None or len(found.layers) <= 2


@pytest.mark.parametrize("data", [GRAPH, SAVED], ids=["frozen", "saved"])
def test_flipped_bits_are_refused_or_harmless(data: bytes) -> None:
    for at in range(len(data)):
        read(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])


@given(noise=st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    read(noise)


@settings(max_examples=200)
@given(at=st.integers(0, len(GRAPH)), piece=st.binary(max_size=40), gone=st.integers(0, 40))
def test_pieces_may_be_replaced_by_anything(at: int, piece: bytes, gone: int) -> None:
    read(GRAPH[:at] + piece + GRAPH[at + gone :])


def huge(shape: tuple[int, ...], data: bytes = b"\0\0\x80\x3f") -> bytes:
    """A constant whose shape claims more than its bytes hold."""
    return const("model/dense/kernel", np.float32(1), tensor(np.float32(1).reshape(()), dims=shape, data=data))


def splat(shape: tuple[int, ...]) -> bytes:
    """A constant of one number, repeated over a shape."""
    message = put(1, 1) + put(2, b"".join(put(2, put(1, dim)) for dim in shape)) + put(5, b"\0\0\x80\x3f")
    return const("model/dense/kernel", np.float32(1), message)


def dense(kernel: bytes) -> bytes:
    out = placeholder("model/Placeholder", (-1, 200)) + kernel
    return out + node("model/Identity", "MatMul", ("model/Placeholder", "model/dense/kernel"))


@pytest.mark.parametrize(
    "data",
    [
        dense(huge((2**62, 2**62))),
        dense(huge((-1, -4))),
        dense(huge((0, 4), b"")),
        dense(huge((0, 2**62), b"")),
        dense(huge((1,) * 9)),
        dense(splat((2**20, 2**20))),
        dense(const("model/dense/kernel", np.float32(1), put(1, 1) + b"\x38\x01" * 5000)),
        dense(const("model/dense/kernel", np.float32(1), put(1, 1) + put(2, b"\x12\x00" * 5000))),
        dense(splat((2**62, 4))),
        dense(const("model/dense/kernel", np.array([[np.nan, 1]]))),
        dense(const("model/dense/kernel", np.array([[1, 2]]))),
        dense(b""),
        placeholder("a", (1,)) * 2,
        put(1, put(1, "a") + put(2, "Placeholder") + put(3, "x") * 65),
        put(1, put(1, "a") + put(2, "B") + b"".join(attr(str(i), 5, 1) for i in range(65))),
        put(1, b"\xff" * 11),
        put(1, 7),
        varint(1 << 3 | 2) + varint(2**60),
        b"\x0b" * 1000,
        put(1, put(1, b"\xff\xfe") + put(2, "B")),
        node("a", "Merge", ("b", "c")) + node("b", "Switch", ("x",)) + node("c", "Switch", ("x",)),
        placeholder("x", (1,)) + node("a", "Switch", ("x",)) + node("b", "Relu", ("a:1",)),
        node("a", "_FusedMatMul", ("x", "y"), put(5, put(1, "fused_ops") + put(2, put(1, put(2, "BiasAdd"))))),
        node("a", "_FusedMatMul", ("x",), put(5, put(1, "fused_ops") + put(2, put(1, put(2, "PyFunc"))))),
    ],
)
def test_hostile_graphs(data: bytes) -> None:
    results: list[Head | None] = []
    assert peak_of(lambda: results.append(read(data))) < 2**21
    assert results == [None]


def test_repeated_numbers_are_limited_over_all_constants() -> None:
    results: list[Head | None] = []
    assert peak_of(lambda: results.append(read(_splats(40)))) < 2**26  # forty would be 160 MiB
    assert results == [None]


def _splats(count: int) -> bytes:
    """A chain of layers, each of a million numbers that the file holds one of."""
    out, last = placeholder("x", (-1, 1024)), "x"
    for index in range(count):
        message = put(1, 1) + put(2, put(2, put(1, 1024)) * 2) + put(5, b"\0\0\x80\x3f")
        out += const(f"w{index}", np.float32(1), message) + node(f"m{index}", "MatMul", (last, f"w{index}"))
        last = f"m{index}"
    return out


def test_deep_and_wide_graphs_do_not_exhaust_the_stack() -> None:
    chain = placeholder("n0", (-1, 4)) + b"".join(node(f"n{i}", "Identity", (f"n{i - 1}",)) for i in range(1, 4000))
    assert read(chain) is None
    choices = placeholder("s0", (-1, 4))
    for i in range(1, 1500):
        choices += node(f"c{i}", "Switch", (f"s{i - 1}", f"s{i - 1}")) + node(f"s{i}", "Merge", (f"c{i}", f"c{i}:1"))
    assert read(choices) is None
    many = b"".join(node(f"n{i}", "NoOp") for i in range(20_001))
    with pytest.raises(SonotypeError, match="too many nodes"):
        read_graphdef(many)


def test_functions_that_call_functions_do_not_explode() -> None:
    def function(name: str, calls: str, times: int) -> bytes:
        body = b"".join(
            put(
                3,
                put(1, f"{name}{i}") + put(2, "PartitionedCall") + put(5, put(1, "f") + put(2, put(10, put(1, calls)))),
            )
            for i in range(times)
        )
        return put(1, put(1, put(1, name)) + body)

    library = b"".join(function(f"f{level}", f"f{level + 1}", 30) for level in range(12))
    call = put(1, put(1, "a") + put(2, "PartitionedCall") + put(5, put(1, "f") + put(2, put(10, put(1, "f0")))))
    assert peak_of(lambda: read(call + put(2, library))) < 2**27
    itself = function("f0", "f0", 1)
    assert read(call + put(2, itself)) is None


def test_large_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphdef, "MAX_BYTES", len(GRAPH) - 1)
    with pytest.raises(SonotypeError, match="larger than"):
        read_graphdef(GRAPH)


# -- metadata and TF.js ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[]", b"{", b"[" * 100_000, b'{"classes": 3}', b'{"classes": [1, 2]}', b'{"schema": 3}', b"\xff" * 10),
        *(b'{"inference": {"embedding_model": 3}}', b" " * (2**20 + 1)),
    ],
)
def test_metadata_of_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(SonotypeError) as caught:
        read_metadata(data)
    assert caught.value.code is Code.INVALID_REQUEST


def test_metadata_with_the_known_defects_is_read() -> None:
    facts = read_metadata(
        b'{"name": null, "version": 2, "schema": null, "inference": null, "dataset": 3, "classes": null}'
    )
    assert (facts.name, facts.plain_version, facts.classes, facts.backbone, facts.predictions) == ("", "2", (), "", "")
    assert read_metadata(b'{"version": "1.0-beta"}').plain_version == "1"
    assert read_metadata(metadata(["a"])).backbone == "msd-musicnn-1"


def damaged(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> str:
    path = write_shards(tmp_path, GRAPH)
    model = json.loads(path.read_text())
    change(model)
    path.write_text(json.dumps(model))
    with pytest.raises(SonotypeError) as caught:
        read_tfjs(path)
    return caught.value.detail


def test_damaged_shards_are_refused(tmp_path: Path) -> None:
    group = lambda model: model["weightsManifest"][0]  # noqa: E731
    shape = lambda size: lambda model: group(model)["weights"][0].update(shape=size)  # noqa: E731
    assert "shorter" in damaged(tmp_path, shape([2**40, 2**40]))
    assert "longer" in damaged(tmp_path, shape([1]))
    assert "no model.json" in damaged(tmp_path, shape([-1]))
    assert "quantised" in damaged(tmp_path, lambda m: group(m)["weights"][0].update(quantization={"dtype": "uint8"}))
    assert "'complex64'" in damaged(tmp_path, lambda m: group(m)["weights"][0].update(dtype="complex64"))
    for name in ("../../etc/passwd", "/etc/passwd", "..", ".hidden", "a/b"):
        assert "plain file name" in damaged(tmp_path, lambda m, name=name: group(m).update(paths=[name]))
    assert "cannot be read" in damaged(tmp_path, lambda m: group(m).update(paths=["nothing.bin"]))
    assert "in none of the shards" in damaged(tmp_path, lambda m: group(m)["weights"][0].update(name="other"))
    assert "layers model" in damaged(tmp_path, lambda m: m.update(modelTopology={"model_config": {}}))
    assert "two nodes" in damaged(tmp_path, lambda m: m["modelTopology"]["node"].append(m["modelTopology"]["node"][0]))
    for value in ({"i": "many"}, {"i": float("inf")}, {"list": {"i": [float("inf")]}}):
        change = lambda m, value=value: m["modelTopology"]["node"][0].update(attr={"x": value})  # noqa: E731
        assert "setting" in damaged(tmp_path, change)


def test_a_pickle_is_no_graph(tmp_path: Path) -> None:
    """Whatever else is called `.pb` is bytes, and stays bytes."""
    (tmp_path / "m.pb").write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "owned").encode() + b"'\ntR.")
    (tmp_path / "m.json").write_bytes(metadata(["a"]))
    card: Card = read_card(builtin_repository() / "musicnn-msd" / "card.toml")
    with pytest.raises(SonotypeError):
        import_model("m", tmp_path / "m.pb", tmp_path / "m.json", lambda: (card, "hidden"))
    assert not (tmp_path / "owned").exists()
