"""The transfer head in numpy: the numbers of torch with the same weights, and no damaged file gets in."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from safetensors.numpy import save

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import HeadCard, read_any_card
from sonotype.models.heads.transfer import HEAD_FILE, TransferHead, head_bytes
from transfer_heads import head_card, make_head, random_layers

Arrays = dict[str, Any]


def random_head(widths: list[int], task: str, temperature: float, seed: int, *, scaled: bool) -> TransferHead:
    layers, random = random_layers(widths, seed), np.random.default_rng(seed)
    labels = tuple(f"label {i}" for i in range(widths[-1]))
    mean, scale = random.normal(size=widths[0]).astype("f4"), random.uniform(0.1, 3, widths[0]).astype("f4")
    normalise = (mean, scale) if scaled else (None, None)
    card = head_card(head_bytes(layers, *normalise), layers, labels, task=task, temperature=temperature)
    return TransferHead(card, layers, *normalise)


def as_torch(head: TransferHead) -> torch.nn.Sequential:
    modules: list[torch.nn.Module] = []
    for layer, spec in zip(head._layers, head.card.layers, strict=True):
        linear = torch.nn.Linear(layer.weight.shape[1], layer.weight.shape[0])
        linear.load_state_dict({"weight": torch.tensor(layer.weight), "bias": torch.tensor(layer.bias)})
        modules += [linear, torch.nn.ReLU()] if spec.activation == "relu" else [linear]
    return torch.nn.Sequential(*modules)


@settings(max_examples=60, deadline=None)
@given(
    dim=st.integers(1, 200),
    hidden=st.lists(st.integers(1, 64), max_size=2),
    labels=st.integers(2, 12),
    patches=st.integers(1, 20),
    task=st.sampled_from(["multiclass", "multilabel", "regression"]),
    temperature=st.floats(0.2, 5.0),
    seed=st.integers(0, 2**32 - 1),
    scaled=st.booleans(),
)
def test_predictions_are_those_of_torch(
    *,
    dim: int,
    hidden: list[int],
    labels: int,
    patches: int,
    task: str,
    temperature: float,
    seed: int,
    scaled: bool,
) -> None:
    head = random_head([dim, *hidden, labels], task, temperature, seed, scaled=scaled)
    x = np.random.default_rng(seed + 1).normal(size=(patches, dim)).astype(np.float32)
    with torch.no_grad():
        z = torch.as_tensor((x - head._mean) * head._scale if scaled else x)
        outputs = as_torch(head)(z) / (1.0 if task == "regression" else temperature)
        wanted = {"multiclass": lambda y: y.softmax(1), "multilabel": torch.sigmoid, "regression": lambda y: y}
        expected = wanted[task](outputs).numpy()
    found = head.predict(x)
    assert (found.dtype, found.shape) == (np.float32, (patches, labels))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    if task == "multiclass":
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_values_of_a_regression_have_no_bounds_and_probabilities_do_not_overflow() -> None:
    head = random_head([4, 3], "regression", 1.0, 0, scaled=False)
    huge = np.full((1, 4), 1e4, dtype=np.float32)
    assert np.abs(head.predict(huge)).max() > 1
    for task in ("multiclass", "multilabel"):
        found = random_head([4, 3], task, 1e-3, 0, scaled=False).predict(huge)
        assert np.isfinite(found).all()
        assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize("shape", [(4,), (2, 5), (0, 4), (1, 2, 4)])
def test_embeddings_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    head = random_head([4, 3], "multiclass", 1.0, 0, scaled=True)
    with pytest.raises(SonotypeError, match="embeddings of 4 numbers") as caught:
        head.predict(np.zeros(shape, dtype=np.float32))
    assert caught.value.code is Code.INVALID_REQUEST


def test_numbers_that_are_not_finite_neither_come_in_nor_go_out() -> None:
    head = random_head([4, 3], "regression", 1.0, 0, scaled=False)
    with pytest.raises(SonotypeError, match="not finite"):
        head.predict(np.array([[0, np.nan, 0, 0]], dtype=np.float32))
    tall = random_head([4, 3], "regression", 1.0, 0, scaled=True)
    with pytest.raises(SonotypeError, match="not finite") as caught:
        tall.predict(np.full((1, 4), 3.4e38, dtype=np.float32))
    assert caught.value.code is Code.ITEM_FAILED


def test_a_folder_written_is_the_folder_read(tmp_path: Path) -> None:
    card = make_head(tmp_path, temperature=1.5, frontend="zero", hop_s=0.5)
    assert read_any_card(tmp_path / card.name / "card.toml") == card
    head = TransferHead.load(tmp_path / card.name, card)
    assert (head.dim, head.labels) == (16, card.labels)


def rehashed(card: HeadCard, content: bytes) -> HeadCard:
    weights = card.weights.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    return card.model_copy(update={"weights": weights})


def without(name: str) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {key: value for key, value in arrays.items() if key != name}


def changed(**arrays: Any) -> Callable[[Arrays], Arrays]:
    return lambda old: old | {name.replace("_", "."): value for name, value in arrays.items()}


def rows(*shape: int) -> Any:
    return np.zeros(shape, dtype=np.float32)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (without("layers.1.bias"), "miss or add arrays: layers.1.bias"),
        (without("normalise.mean"), "miss or add arrays: normalise.mean"),
        (changed(layers_2_bias=rows(3)), "miss or add arrays: layers.2.bias"),
        (changed(layers_0_weight=rows(5, 8)), re.escape("'layers.0.weight' of shape [5, 8] instead of [4, 8]")),
        (changed(layers_0_weight=rows(4, 8, 1)), re.escape("instead of [4, D]")),
        (changed(layers_0_weight=rows(4, 0)), re.escape("instead of [4, D]")),
        (changed(layers_1_bias=rows(4)), re.escape("'layers.1.bias' of shape [4] instead of [3]")),
        (changed(normalise_scale=rows(7)), re.escape("'normalise.scale' of shape [7] instead of [8]")),
        (changed(layers_0_bias=np.zeros(4)), "not float32"),
        (changed(layers_0_bias=rows(4) + np.float32("nan")), "not finite"),
        (changed(normalise_mean=rows(8) + np.float32("inf")), "not finite"),
    ],
)
def test_arrays_that_do_not_fit_the_card_are_named(
    tmp_path: Path, change: Callable[[Arrays], Arrays], says: str
) -> None:
    layers = random_layers([8, 4, 3])
    arrays = {f"layers.{i}.weight": layer.weight for i, layer in enumerate(layers)}
    arrays |= {f"layers.{i}.bias": layer.bias for i, layer in enumerate(layers)}
    content = bytes(save(change(arrays | {"normalise.mean": rows(8), "normalise.scale": rows(8)})))
    (tmp_path / HEAD_FILE).write_bytes(content)
    with pytest.raises(SonotypeError, match=says) as caught:
        TransferHead.load(tmp_path, head_card(content, layers))
    assert caught.value.code is Code.WEIGHTS_CORRUPT


ENDLESS = {"dtype": "F32", "shape": [0, 2**62], "data_offsets": [0, 0]}


def safetensors(entry: dict[str, object], size: int) -> bytes:
    """A file of one array, by hand: what NumPy would not write."""
    head = json.dumps({"layers.0.weight": entry}).encode()
    return len(head).to_bytes(8, "little") + head + bytes(size)


def test_a_file_that_is_missing_damaged_or_something_else_is_refused(tmp_path: Path) -> None:
    card = make_head(tmp_path)
    folder = tmp_path / card.name
    content = (folder / HEAD_FILE).read_bytes()
    (folder / HEAD_FILE).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(SonotypeError, match="hash of the card") as caught:
        TransferHead.load(folder, card)
    assert caught.value.code is Code.WEIGHTS_CORRUPT
    pickle = b"\x80\x04cos\nsystem\n."
    strange = [({"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}, 2), (ENDLESS, 0)]
    for other in (pickle, content[:20], b"", *(safetensors(entry, size) for entry, size in strange)):
        (folder / HEAD_FILE).write_bytes(other)
        with pytest.raises(SonotypeError, match="no safetensors file"):
            TransferHead.load(folder, rehashed(card, other))
    (folder / HEAD_FILE).unlink()
    with pytest.raises(SonotypeError) as caught:
        TransferHead.load(folder, card)
    assert caught.value.code is Code.WEIGHTS_MISSING


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"layers": ({"units": 4},)}, "as many units as there are labels"),
        ({"layers": ()}, "layers"),
        ({"labels": ("one",), "layers": ({"units": 1},)}, "at least two labels"),
        ({"temperature": 0}, "temperature"),
        ({"hop_s": 0}, "hop_s"),
        ({"task": "ranking"}, "task"),
    ],
)
def test_impossible_cards_are_refused(change: dict[str, Any], says: str) -> None:
    layers = random_layers([8, 3])
    fields = head_card(head_bytes(layers), layers).model_dump()
    with pytest.raises(ValidationError, match=says):
        HeadCard.model_validate(fields | change)


def test_it_is_free_of_torch() -> None:
    code = "import sys, sonotype.models.heads.transfer, sonotype.plane.heads; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
