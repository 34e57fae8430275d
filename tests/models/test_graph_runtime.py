"""Graphs as weights: rows, layouts, batches and fills, and files that must not be served."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx.external_data_helper import set_external_data

from graph_kit import BIAS, FRAMES, MEL, MELS, WAVE, WEIGHT, expected, mel_graph, wave_graph, write_model
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.card import Card
from sonotype.models.card_parts import FrontendSpec
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.registry import Registry
from sonotype.models.runtime import load

SPEC = FrontendSpec.model_validate(MEL)


def options(layout: str | None = None, **fields: Any) -> dict[str, Any]:
    outputs = {"outputs": {"tags": "scores", "hidden": "hidden"}}
    return {"family": "graph", "options": outputs | ({"layout": layout} if layout else {}) | fields}


def windows(rows: int) -> Floats:
    random = np.random.default_rng(rows)
    return random.normal(scale=0.1, size=(rows, SPEC.window_samples(FRAMES))).astype(np.float32)


def mels(samples: Floats, valid: list[int] | None = None, fill: Any = "repeat") -> Floats:
    frames = None if valid is None else torch.tensor(valid)
    return LogMel(SPEC)(torch.from_numpy(samples), frames, fill).numpy()


@pytest.mark.parametrize("layout", ["BTF", "BFT", "B1TF", "B1FT", "BTF1"])
@pytest.mark.parametrize("batch", ["batch", 1, 4])
def test_rows_are_those_of_the_graph(tmp_path: Path, layout: str, batch: int | str) -> None:
    data = mel_graph(batch=batch, layout=layout)
    card, path = write_model(tmp_path, data, network=options(layout))
    samples = windows(6)
    runtime = load(card, path, "cpu", "auto")
    found = runtime.run(samples, np.full(6, FRAMES), "repeat", "mel")
    hidden, scores = expected(mels(samples))
    assert runtime.precision == "fp32"
    np.testing.assert_allclose(found.arrays["hidden"], hidden, atol=1e-5)
    np.testing.assert_allclose(found.arrays["tags"], scores, atol=1e-5)
    assert found.seconds.keys() == {"frontend", "network"}


def test_filled_patches(tmp_path: Path) -> None:
    card, path = write_model(tmp_path, mel_graph())
    runtime = load(card, path, "cpu", "auto")
    samples = windows(2)
    for fill in ("repeat", "pad"):
        found = runtime.run(samples, np.array([3, 8]), fill, "mel").arrays["hidden"]  # type: ignore[arg-type]
        np.testing.assert_allclose(found, expected(mels(samples, [3, 8], fill))[0], atol=1e-5)


def test_samples_without_a_front_end(tmp_path: Path) -> None:
    network = options("T") | {"options": {"layout": "T", "outputs": {"tags": "scores", "hidden": "level"}}}
    card, path = write_model(
        tmp_path,
        wave_graph(100),
        labels=["up", "down"],
        network=network,
        frontends={"samples": WAVE},
        patch={"frames": 100, "hop_frames": 50, "tail": "repeat", "short": "repeat"},
        embeddings=[{"name": "hidden", "dim": 1, "description": "mean"}],
    )
    samples = np.zeros((2, 100), dtype=np.float32)
    samples[:, :30] = 0.5
    samples[1, 15:30] = -0.5
    runtime = load(card, path, "cpu", "auto")
    repeated = runtime.run(samples, np.array([15, 30]), "repeat", "samples").arrays
    # 15 valid samples of 0.5 are repeated; 30 of mean 0, of which the fourth time holds ten
    assert repeated["hidden"][:, 0] == pytest.approx([0.5, 0.05], abs=1e-6)
    assert repeated["tags"][0] == pytest.approx([1 / (1 + np.exp(-5)), 1 / (1 + np.exp(5))], abs=1e-6)
    padded = runtime.run(samples, np.array([30, 30]), "pad", "samples").arrays["hidden"]
    assert padded[:, 0] == pytest.approx([0.15, 0.0], abs=1e-6)


def test_scores_from_logits(tmp_path: Path) -> None:
    samples = windows(3)
    logits = expected(mels(samples))[0] @ WEIGHT + BIAS
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    for activation, wanted in (("none", logits), ("sigmoid", 1 / (1 + np.exp(-logits))), ("softmax", shares)):
        outputs = {"tags": "logits", "hidden": "hidden"}
        network = options(outputs=outputs, activation=activation)
        card, path = write_model(tmp_path / activation, mel_graph(scores=False), network=network)
        found = load(card, path, "cpu", "auto").run(samples, np.full(3, FRAMES), "repeat", "mel").arrays["tags"]
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_tensor_without_a_name_is_what_an_operation_reads(tmp_path: Path) -> None:
    network = options(outputs={"tags": "scores"}, read_by={"hidden": "MatMul"})
    card, path = write_model(tmp_path, mel_graph(), network=network)
    samples = windows(2)
    found = load(card, path, "cpu", "auto").run(samples, np.full(2, FRAMES), "repeat", "mel").arrays["hidden"]
    np.testing.assert_allclose(found, expected(mels(samples))[0], atol=1e-5)


def test_embeddings_only(tmp_path: Path) -> None:
    card, path = write_model(tmp_path, mel_graph(), labels=[], network=options(outputs={"hidden": "hidden"}))
    found = load(card, path, "cpu", "auto").run(windows(2), np.full(2, FRAMES), "repeat", "mel").arrays
    assert found["tags"].shape == (2, 0)
    assert found["hidden"].shape == (2, MELS)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"network": options(outputs={"tags": "scores", "hidden": "nowhere"})}, "no tensor for 'hidden'"),
        ({"network": options(outputs={"tags": "scores"})}, "no tensor for 'hidden'"),
        ({"network": options(read_by={"x": "MatMul"}, outputs={"tags": "hidden", "hidden": "hidden"})}, "3 numbers"),
        ({"network": options("B1TF")}, "3 axes"),
        ({"network": options("BFT")}, "its input is"),
        ({"network": options("BFF")}, "layout needs T"),
        ({"network": options("BT")}, "mel bands"),
        ({"network": options(colour="red")}, "Extra inputs"),
        ({"patch": {"frames": 9, "hop_frames": 9, "tail": "drop", "short": "repeat"}}, "its input is"),
        ({"labels": ["low", "high"]}, "'tags' is"),
        ({"embeddings": [{"name": "hidden", "dim": 7, "description": ""}]}, "'hidden' is"),
    ],
)
def test_a_card_that_does_not_fit(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    refused(*write_model(tmp_path, mel_graph(), **changes), reason)


def test_files_that_are_not_the_graph(tmp_path: Path) -> None:
    card, path = write_model(tmp_path, mel_graph())
    path.write_bytes(mel_graph(batch=2))
    refused(card, path, "not those that its card names")
    refused(*write_model(tmp_path, b"no graph at all", name="nonsense"), "cannot be read")
    refused(*write_model(tmp_path, mel_graph()[:200], name="cut-off"), "cannot be read")
    with pytest.raises(SonotypeError) as caught:
        load(card, tmp_path / "nothing", "cpu", "auto")
    assert caught.value.code is Code.WEIGHTS_MISSING


def test_no_graph_reads_other_files(tmp_path: Path) -> None:
    model = onnx.load_from_string(mel_graph())
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "weight")
    set_external_data(tensor, location="outside.bin")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    card, path = write_model(tmp_path, model.SerializeToString())
    path.with_name("outside.bin").write_bytes(WEIGHT.tobytes())
    refused(card, path, "cannot be read")


def test_the_registry_finds_a_graph_beside_its_card(tmp_path: Path) -> None:
    card, path = write_model(tmp_path / "models", mel_graph())
    registry = Registry([tmp_path / "models"], tmp_path / "weights", builtin=False)
    assert registry.weights_path(registry.get("tiny-graph")) == path
    assert registry.is_pulled(card)
    path.unlink()
    assert not registry.is_pulled(card)


def test_a_waveform_needs_no_torch(tmp_path: Path) -> None:
    write_model(
        tmp_path,
        wave_graph(100),
        labels=["up", "down"],
        network={"family": "graph", "options": {"layout": "T", "outputs": {"tags": "scores", "hidden": "level"}}},
        frontends={"samples": WAVE},
        patch={"frames": 100, "hop_frames": 50, "tail": "repeat", "short": "repeat"},
        embeddings=[{"name": "hidden", "dim": 1, "description": "mean"}],
    )
    code = (
        "import sys; from pathlib import Path; from sonotype.models.card import read_card;"
        "from sonotype.models.runtime import load;"
        f"folder = Path({str(tmp_path / 'tiny-graph')!r});"
        "load(read_card(folder / 'card.toml'), folder / 'model.onnx', 'cpu', 'auto');"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def refused(card: Card, path: Path, reason: str) -> None:
    with pytest.raises(SonotypeError) as caught:
        load(card, path, "cpu", "auto")
    assert caught.value.code is Code.WEIGHTS_CORRUPT
    assert reason in caught.value.detail
