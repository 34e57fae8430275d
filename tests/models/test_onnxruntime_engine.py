"""ONNX Runtime computes what the reference computes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from maest_kit import make_model
from test_export_onnx import published_or_random, windows

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Patchout
from sonotype.models.runtime import load


@pytest.mark.parametrize("name", ["musicnn-msd", "vgg-msd"])
def test_networks_of_one_length(name: str, tmp_path: Path) -> None:
    card, weights = published_or_random(name, tmp_path)
    x, valid = windows(card, 2), np.array([187, 60])
    ours, theirs = (load(card, weights, "cpu", "auto", engine=engine) for engine in ("onnxruntime", "torch"))
    found = ours.run(x, valid, "repeat", card.default_frontend).arrays
    expected = theirs.run(x, valid, "repeat", card.default_frontend).arrays
    assert ours.precision == "fp32"
    assert set(found) == set(expected)
    for output, array in expected.items():
        assert np.abs(found[output] - array).max() < 2e-4 * max(1.0, np.abs(array).max()), output


@pytest.mark.parametrize("patchout", [None, Patchout(time_every=4)])
def test_maest_of_any_length(patchout: Patchout | None, tmp_path: Path) -> None:
    card, weights = make_model(tmp_path)
    x, valid = windows(card, 3), np.array([card.patch.frames, 100, 20])
    ours, theirs = (load(card, weights, "cpu", "fp32", engine=engine) for engine in ("onnxruntime", "torch"))
    found = ours.run(x, valid, "native", "essentia", patchout).arrays
    for output, array in theirs.run(x, valid, "native", "essentia", patchout).arrays.items():
        assert np.abs(found[output] - array).max() < 1e-4, output


@pytest.mark.parametrize("name", ["musicnn-msd", "maest"])
def test_without_the_extra_it_says_what_to_install(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card, weights = make_model(tmp_path) if name == "maest" else published_or_random(name, tmp_path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SonotypeError, match=r"pip install 'sonotype\[onnx\]'") as caught:
        load(card, weights, "cpu", "fp32", engine="onnxruntime")
    assert caught.value.code is Code.INVALID_REQUEST
