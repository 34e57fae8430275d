"""From checkpoint variables to our networks' state: names, layouts, totals, bytes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bundles import bundle, variables_of
from safetensors.numpy import load

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.weights import convert
from sonotype.models.weights.tfbundle import read_bundle


def inference(family: str) -> dict[str, np.ndarray]:
    index, shards = bundle(variables_of(family))
    return read_bundle(index, shards, convert.is_inference_variable)


@pytest.mark.parametrize("family", ["musicnn", "vgg"])
def test_every_inference_variable_is_used_once(family: str) -> None:
    variables = inference(family)
    state = convert.CONVERTERS[family](variables)
    assert len(state) == len(variables) == {"musicnn": 64, "vgg": 36}[family]
    assert sum(array.size for array in state.values()) == convert.N_PARAMETERS[family]
    assert not any("Adam" in name or "num_batches" in name for name in state)


def test_layouts_of_musicnn() -> None:
    theirs, ours = inference("musicnn"), convert.musicnn(inference("musicnn"))
    assert ours["timbral.1.conv.weight"].shape == (204, 1, 7, 67)
    assert ours["temporal.0.conv.weight"].shape == (51, 1, 128, 1)
    assert ours["mid.0.conv.weight"].shape == (64, 561, 7)
    assert ours["hidden.weight"].shape == (200, 1506)
    assert ours["timbral.0.conv.weight"][3, 0, 5, 20] == theirs["conv2d/kernel"][5, 20, 0, 3]
    assert ours["mid.2.conv.weight"][9, 8, 6] == theirs["conv2d_7/kernel"][6, 8, 0, 9]
    assert ours["output.weight"][49, 7] == theirs["dense_1/kernel"][7, 49]
    pairs = {
        "input_norm.weight": "batch_normalization/gamma",
        "timbral.1.norm.bias": "batch_normalization_2/beta",
        "temporal.2.norm.running_mean": "batch_normalization_5/moving_mean",
        "mid.0.norm.running_var": "batch_normalization_6/moving_variance",
        "pool_norm.weight": "batch_normalization_9/gamma",
        "hidden_norm.bias": "batch_normalization_10/beta",
        "temporal.1.conv.bias": "conv2d_3/bias",
    }
    for mine, source in pairs.items():
        np.testing.assert_array_equal(ours[mine], theirs[source])


def test_layouts_of_vgg() -> None:
    theirs, ours = inference("vgg"), convert.vgg(inference("vgg"))
    assert ours["blocks.0.conv.weight"].shape == (128, 1, 3, 3)
    assert ours["blocks.4.conv.weight"][7, 90, 2, 1] == theirs["5CNN/kernel"][2, 1, 90, 7]
    np.testing.assert_array_equal(ours["blocks.4.norm.running_var"], theirs["batch_normalization_5/moving_variance"])
    np.testing.assert_array_equal(ours["output.weight"], theirs["dense/kernel"].T)


@pytest.mark.parametrize("family", ["musicnn", "vgg"])
def test_another_checkpoint_is_refused(family: str) -> None:
    make = convert.CONVERTERS[family]
    good = inference(family)
    wrong = [
        {name: array for name, array in good.items() if name != "dense/bias"},
        good | {"surprise": np.zeros(1, np.float32)},
        good | {"dense/bias": np.zeros(3, np.float32)},
        good | {"1CNN/kernel" if family == "vgg" else "conv2d_5/kernel": np.zeros(3, np.float32)},
        {},
    ]
    for variables in wrong:
        with pytest.raises(SonotypeError) as caught:
            make(variables)
        assert caught.value.code is Code.WEIGHTS_CORRUPT


def test_bytes_depend_on_the_numbers_alone() -> None:
    state = convert.vgg(inference("vgg"))
    data = convert.to_safetensors(state)
    backwards = {name: np.asfortranarray(array) for name, array in reversed(state.items())}
    assert convert.to_safetensors(backwards) == data
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert list(header) == sorted(header)
    assert (8 + int.from_bytes(data[:8], "little")) % 8 == 0
    read = load(data)
    assert read.keys() == state.keys()
    for name, array in state.items():
        np.testing.assert_array_equal(read[name], array)


@pytest.mark.parametrize("data", [b"", b"x" * 100, (2**60).to_bytes(8, "little") + b"{}"])
def test_bytes_that_are_no_safetensors(data: bytes) -> None:
    with pytest.raises(SonotypeError) as caught:
        convert.from_safetensors(data)
    assert caught.value.code is Code.WEIGHTS_CORRUPT


def test_another_element_type_is_refused() -> None:
    header = b'{"w":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}'
    header += b" " * (-len(header) % 8)
    with pytest.raises(SonotypeError, match="not float32"):
        convert.from_safetensors(len(header).to_bytes(8, "little") + header + bytes(8))
