"""Published checkpoints in every wrapping, and what is no checkpoint: refused, and never run."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from maest_zoo_kit import LABELS, SMALL, random_state, same_state, tensors, write_ckpt, write_safetensors

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.nets.build import build, build_with_weights
from sonotype.models.zoo.ast_names import from_ast, to_ast
from sonotype.models.zoo.converting import convert_maest
from sonotype.models.zoo.maest_card import LICENCE
from sonotype.models.zoo.maest_state import State, checked, geometry_of
from sonotype.models.zoo.resizing import bicubic, resized
from sonotype.models.zoo.tensors import read_state


def refused(path: Path, code: Code = Code.WEIGHTS_CORRUPT, **options: Any) -> str:
    with pytest.raises(SonotypeError) as caught:
        convert_maest("small", path, licence=LICENCE, labels=LABELS, **options)
    assert caught.value.code is code, caught.value.detail
    return caught.value.detail


def lightning(state: State) -> dict[str, Any]:
    """What a training run leaves behind: the network, its running average, and the optimiser."""
    other = tensors(random_state(seed=9), "net.")
    return {"epoch": 3, "state_dict": tensors(state, "net_swa.") | other, "optimizer_states": [{"lr": 1e-5}]}


WRAPPINGS: dict[str, Callable[[State], Any]] = {
    "flat": tensors,
    "model": lambda state: {"model": tensors(state), "epoch": 3},
    "lightning": lightning,
    "lightning without an average": lambda state: {"state_dict": tensors(state, "net.")},
    "own mel spectrogram": lambda state: {
        **tensors(state),
        "melspectrogram.mel.spectrogram.window": torch.ones(512),
        "melspectrogram.mel.mel_scale.fb": torch.ones(257, 96),
    },
    "Hugging Face's older file": lambda state: tensors(to_ast(state)),
    "half precision": lambda state: {name: tensor.half().float() for name, tensor in tensors(state).items()},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_every_wrapping_of_a_checkpoint(wrapping: str, tmp_path: Path) -> None:
    state = random_state()
    path = write_ckpt(tmp_path / "a.ckpt", WRAPPINGS[wrapping](state))
    read = read_state(path)
    size = geometry_of(read, path.name)
    if wrapping == "Hugging Face's older file":
        state = from_ast(to_ast(state), "a test")
    assert size == replace(SMALL, head_dist="head_dist.bias" in state)
    if wrapping == "half precision":
        state = {name: array.astype(np.float16).astype(np.float32) for name, array in state.items()}
    assert same_state(checked(read, size, path.name), state)


def test_the_older_form_of_torch_files_is_read(tmp_path: Path) -> None:
    torch.save(tensors(random_state()), tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    assert same_state(read_state(tmp_path / "a.pt"), random_state())


@pytest.mark.parametrize("names", ["ours", "ast"])
def test_safetensors_under_either_names(names: str, tmp_path: Path) -> None:
    state = random_state(replace(SMALL, head_dist=False))
    path = write_safetensors(tmp_path / "model.safetensors", to_ast(state) if names == "ast" else state)
    made = convert_maest("small", path, licence=LICENCE, labels=LABELS)
    assert made.card.network.options["head_dist"] is False
    assert made.card.weights is not None
    assert made.card.weights.n_parameters == sum(array.size for array in state.values())


def test_a_converted_model_computes_what_its_source_did(tmp_path: Path) -> None:
    """Through the card, the file and the network of this service."""
    state = random_state()
    made = convert_maest("small", write_ckpt(tmp_path / "a.ckpt", tensors(state)), licence=LICENCE, labels=LABELS)
    (tmp_path / "model.safetensors").write_bytes(made.weights)
    net = build_with_weights(made.card, tmp_path / "model.safetensors")
    source = build(made.card)
    source.load_state_dict(tensors(state))
    mel = torch.rand(2, 46, 96, generator=torch.Generator().manual_seed(0)) * 4
    with torch.inference_mode():
        ours, theirs = net(mel), source(mel)
    assert set(ours) == {"tags", "block2", "block2-cls", "block2-dist", "block2-mean", "last"}
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert set(ours) - {"tags"} == {spec.name for spec in made.card.embeddings}
    assert all(ours[spec.name].shape == (2, spec.dim) for spec in made.card.embeddings)


class Payload:
    """What an attacker puts into a pickle: reading it naively runs a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


@pytest.mark.parametrize("form", ["zip", "older zip-less file", "bare pickle", "pickle of text"])
def test_code_in_a_file_is_never_run(form: str, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    content = {**tensors(random_state()), "extra": Payload(f"touch {mark}")}
    path = tmp_path / "evil.ckpt"
    if form in {"bare pickle", "pickle of text"}:
        path.write_bytes(pickle.dumps(Payload(f"touch {mark}"), protocol=0 if form == "pickle of text" else 2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    detail = refused(path)
    assert not mark.exists()
    if form == "zip":
        assert "running code" in detail
    # the payload is a real one: whoever unpickles it runs it
    if form == "bare pickle":
        pickle.loads(path.read_bytes())  # noqa: S301
        assert mark.exists()


def without(state: State, name: str) -> State:
    return {key: array for key, array in state.items() if key != name}


BROKEN: dict[str, tuple[Callable[[State], State], str]] = {
    "missing": (lambda state: without(state, "blocks.1.attn.qkv.bias"), "1 tensors are missing"),
    "missing block": (
        lambda s: {n: a for n, a in s.items() if not n.startswith("blocks.0.")},
        "12 tensors are missing",
    ),
    "no token": (lambda state: without(state, "cls_token"), "no MAEST"),
    "unknown": (lambda state: state | {"blocks.0.attn.gate": np.ones(3, np.float32)}, "unknown, such as 'blocks.0"),
    "shape": (lambda state: state | {"norm.weight": np.ones(63, np.float32)}, "'norm.weight' has the shape"),
    "rank": (lambda state: state | {"cls_token": np.ones(64, np.float32)}, "'cls_token' has the shape"),
    "not finite": (lambda state: state | {"norm.bias": np.full(64, np.nan, np.float32)}, "not finite"),
    "no blocks": (lambda s: {n: a for n, a in s.items() if not n.startswith("blocks.")}, "0 blocks"),
    "blocks without end": (lambda s: s | {"blocks.999.norm1.bias": np.ones(64, np.float32)}, "1000 blocks"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_tensors_that_do_not_fit(fault: str, tmp_path: Path) -> None:
    damage, says = BROKEN[fault]
    assert says in refused(write_ckpt(tmp_path / "a.ckpt", tensors(damage(random_state()))))


def test_labels_of_another_number(tmp_path: Path) -> None:
    path = write_ckpt(tmp_path / "a.ckpt", tensors(random_state(replace(SMALL, n_labels=6))))
    assert "6 outputs" in refused(path, Code.INVALID_REQUEST)
    assert "labels must be 5, not 6" in refused(path, expected=SMALL)
    path = write_ckpt(tmp_path / "b.ckpt", tensors(random_state(replace(SMALL, columns=6))))
    assert "columns must be 4, not 6" in refused(path, expected=SMALL)
    assert "heads do not divide" in refused(path, heads=5)


def test_files_that_are_something_else(tmp_path: Path) -> None:
    whole = write_ckpt(tmp_path / "whole.ckpt", tensors(random_state())).read_bytes()
    tensors_file = write_safetensors(tmp_path / "whole.safetensors", random_state()).read_bytes()
    contents = {
        "cut": whole[: len(whole) // 2],
        "tail": whole[:-30],
        "empty": b"",
        "text": b"<html>404 not found</html>",
        "zip": b"PK\x03\x04" + bytes(100),
        "st-cut": tensors_file[: len(tensors_file) // 2],
        "st-header": (2**62).to_bytes(8, "little") + b"{" + bytes(50),
        "protobuf": b"\x08" + bytes(range(256)),
    }
    for name, data in contents.items():
        path = tmp_path / name
        path.write_bytes(data)
        refused(path)
    refused(write_ckpt(tmp_path / "list", [1, 2, 3]))
    refused(write_ckpt(tmp_path / "words", {"model": "none"}))
    refused(write_ckpt(tmp_path / "wrong", {"model": {"cls_token": "x"}}))
    refused(tmp_path / "nowhere", Code.NOT_FOUND)


def test_a_file_that_would_unpack_to_any_size(tmp_path: Path) -> None:
    path = write_ckpt(tmp_path / "a.ckpt", tensors(random_state()))
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "b.ckpt", "w", zipfile.ZIP_DEFLATED) as packed:
        for member in whole.infolist():
            packed.writestr(member.filename, bytes(10**6) if "/data/" in member.filename else whole.read(member))
    assert (tmp_path / "b.ckpt").stat().st_size < 100_000
    assert "compressed" in refused(tmp_path / "b.ckpt")


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    state: dict[str, Any] = {**random_state(), "norm.bias": np.zeros(64, np.int64)}
    assert "of type I64" in refused(write_safetensors(tmp_path / "a.safetensors", state))
    quantised = {**tensors(random_state()), "norm.bias": torch.zeros(64, dtype=torch.int8)}
    assert "of type torch.int8" in refused(write_ckpt(tmp_path / "a.ckpt", quantised))
    assert "norm.bias" in read_state(write_ckpt(tmp_path / "b.ckpt", tensors(random_state())))


@pytest.mark.parametrize("length", [1, 3, 7, 8, 9, 20])
def test_other_lengths_as_torch_interpolates(length: int) -> None:
    time = np.random.default_rng(0).standard_normal((1, 6, 1, 8), dtype=np.float32)
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(time).double(), size=(1, length), mode="bicubic", align_corners=False
    )
    np.testing.assert_allclose(bicubic(time, length), wanted.numpy(), atol=1e-6)
    assert resized({"time_new_pos_embed": time}, 8)["time_new_pos_embed"] is time


def test_a_model_of_another_length(tmp_path: Path) -> None:
    path = write_ckpt(tmp_path / "a.ckpt", tensors(random_state()))
    made = convert_maest("small", path, licence=LICENCE, labels=LABELS, seconds=5)
    assert made.card.network.options["columns"] == 31
    assert (made.card.patch.frames, made.card.patch.hop_frames) == (316, 313)
    (tmp_path / "model.safetensors").write_bytes(made.weights)
    net = build_with_weights(made.card, tmp_path / "model.safetensors")
    with torch.inference_mode():
        assert net(torch.rand(1, 316, 96))["tags"].shape == (1, 5)
