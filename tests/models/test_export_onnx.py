"""Exported files compute what torch computes, and say what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from maest_kit import make_model
from torch import Tensor, nn

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Floats
from sonotype.models.card import Card
from sonotype.models.card_parts import BackboneSpec, LicenceSpec, WeightsSpec
from sonotype.models.exporting.onnx_file import Exported, to_onnx
from sonotype.models.exporting.onnx_models import Wanted, export_head, export_network
from sonotype.models.heads.transfer import TransferHead, head_bytes
from sonotype.models.nets.build import build
from sonotype.models.registry import Registry
from sonotype.models.runtime import load
from sonotype.models.tuning.probe import piece
from sonotype.models.weights.convert import to_safetensors
from transfer_heads import head_card, random_layers

LIMIT = 1e-4


def published_or_random(name: str, folder: Path) -> tuple[Card, Path]:
    """A model of the built-in repository, with its own weights where they are pulled."""
    registry = Registry([], Settings().weights_dir)
    card = registry.get(name)
    if (path := registry.weights_path(card)) is not None:
        return card, path
    torch.manual_seed(0)
    names = {k: v.numpy() for k, v in build(card).state_dict().items() if not k.endswith("num_batches_tracked")}
    return write(card, to_safetensors(names), sum(array.size for array in names.values()), folder)


def write(card: Card, data: bytes, n_parameters: int, folder: Path) -> tuple[Card, Path]:
    import hashlib  # noqa: PLC0415

    path = folder / "model.safetensors"
    path.write_bytes(data)
    spec = WeightsSpec(sha256=hashlib.sha256(data).hexdigest(), n_parameters=n_parameters)
    return card.model_copy(update={"weights": spec}), path


def make_head(backbone: Card, embedding: str, dim: int) -> TransferHead:
    layers = random_layers((dim, 6, 3))
    card = head_card(head_bytes(layers), layers, task="multiclass", backbone=backbone, temperature=1.5)
    spec = BackboneSpec(model=backbone.name, embedding=embedding, sha256=backbone.weights_sha256)
    rng = np.random.default_rng(3)
    mean, scale = (rng.random(dim).astype(np.float32) + 0.5 for _ in range(2))
    return TransferHead(card.model_copy(update={"backbone": spec}), layers, mean, scale)


def ask(exported: Exported, x: Floats) -> dict[str, Floats]:
    session = onnxruntime.InferenceSession(exported.data, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {session.get_inputs()[0].name: x}), strict=True))


def properties(exported: Exported) -> dict[str, str]:
    session = onnxruntime.InferenceSession(exported.data, providers=["CPUExecutionProvider"])
    return dict(session.get_modelmeta().custom_metadata_map)


def windows(card: Card, rows: int) -> Floats:
    spec = card.mel_frontends[card.default_frontend]
    length = spec.window_samples(card.patch.frames)
    return np.stack([piece(seed + 7, length, spec.sample_rate_hz) for seed in range(rows)])


def served(card: Card, weights: Path, x: Floats, patchout: Any = None) -> dict[str, Floats]:
    """What the reference of the service answers."""
    runtime = load(card, weights, "cpu", "fp32", engine="torch")
    valid = np.full(len(x), card.patch.frames)
    return dict(runtime.run(x, valid, "pad", card.default_frontend, patchout).arrays)


def test_musicnn_takes_samples(tmp_path: Path) -> None:
    card, weights = published_or_random("musicnn-msd", tmp_path)
    exported = export_network(card, weights, Wanted("musicnn", embeddings=["penultimate"]))
    x = windows(card, 3)
    found, expected = ask(exported, x), served(card, weights, x)
    assert set(found) == {"scores", "penultimate"}
    assert np.abs(found["scores"] - expected["tags"]).max() < LIMIT
    assert np.abs(found["penultimate"] - expected["penultimate"]).max() < LIMIT
    assert exported.largest < LIMIT
    assert ask(exported, x[:1, :20000])["scores"].shape == (1, 50)  # any length
    told = properties(exported)
    assert tuple(json.loads(told["sonotype.labels"])) == card.labels
    assert told["sonotype.model"] == card.address
    assert told["sonotype.weights_sha256"] == card.weights_sha256
    assert (told["sonotype.licence"], told["sonotype.licence_commercial"]) == (card.licence.spdx, "true")
    assert (told["sonotype.sample_rate_hz"], told["sonotype.lead_samples"]) == ("16000", "256")
    assert int(told["sonotype.patch_samples"]) == x.shape[1]


def test_a_head_and_its_backbone_in_one_file(tmp_path: Path) -> None:
    card, weights = published_or_random("vgg-msd", tmp_path)
    head = make_head(card, "flatten", 256)
    exported = export_network(card, weights, Wanted(None, embeddings=[]), head)
    mel = np.random.default_rng(0).random((2, 187, 96), np.float32) * 3
    with torch.inference_mode():
        from sonotype.models.nets.build import build_with_weights  # noqa: PLC0415

        flatten = build_with_weights(card, weights)(torch.from_numpy(mel))["flatten"].numpy()
    found = ask(exported, mel)
    assert set(found) == {"scores"}
    assert np.abs(found["scores"] - head.predict(flatten)).max() < LIMIT
    told = properties(exported)
    assert told["sonotype.model"] == head.card.address
    assert told["sonotype.backbone_model"] == card.address
    assert told["sonotype.backbone_licence"] == card.licence.spdx
    assert json.loads(told["sonotype.frontend_inside"]) is False


def test_maest_keeps_its_patchout_and_its_licence(tmp_path: Path) -> None:
    card, weights = make_model(tmp_path)
    terms = LicenceSpec(spdx="CC-BY-NC-SA-4.0", commercial=False, holder="somebody", url="https://example.org")
    card = card.model_copy(update={"licence": terms})
    exported = export_network(card, weights, Wanted("essentia", "fast", ["block2", "last"]))
    x = windows(card, 2)
    from sonotype.core.types import Patchout  # noqa: PLC0415

    expected = served(card, weights, x, Patchout(time_every=card.patchout["fast"].time_every))
    found = ask(exported, x)
    assert np.abs(found["scores"] - expected["tags"]).max() < LIMIT
    assert np.abs(found["block2"] - expected["block2"]).max() < LIMIT
    assert ask(exported, x[:1, :16000])["last"].shape == expected["last"][:1].shape
    told = properties(exported)
    assert told["sonotype.quality"] == "fast"
    assert (told["sonotype.licence"], told["sonotype.licence_commercial"]) == ("CC-BY-NC-SA-4.0", "false")
    assert told["sonotype.licence_holder"] == "somebody"


def test_a_head_alone(tmp_path: Path) -> None:
    head = make_head(make_model(tmp_path)[0], "last", 48)
    exported = export_head(head)
    x = np.random.default_rng(0).normal(size=(4, 48)).astype(np.float32)
    assert np.abs(ask(exported, x)["scores"] - head.predict(x)).max() < 1e-6
    assert properties(exported)["sonotype.task"] == "multiclass"
    assert properties(exported)["sonotype.embedding"] == "last"


class _Double(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (x * self.factor,)


def test_a_file_that_computes_something_else_is_refused() -> None:
    with pytest.raises(SonotypeError, match="differs from torch by") as caught:
        to_onnx(
            _Double(2.0),
            [torch.ones(2, 3)],
            _Double(2.001),
            input_name="x",
            outputs=["y"],
            axes={0: "batch"},
            metadata={},
        )
    assert caught.value.code is Code.INTERNAL


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted("no-such"), "no front end 'no-such'"),
        (Wanted("essentia", "fast"), "one quality only"),
        (Wanted("essentia", embeddings=["block7"]), "no embedding block7"),
    ],
)
def test_what_a_model_does_not_have_is_refused(wanted: Wanted, reason: str, tmp_path: Path) -> None:
    card = Registry([], tmp_path).get("vgg-msd")
    with pytest.raises(SonotypeError, match=reason) as caught:
        export_network(card, tmp_path, wanted)
    assert caught.value.code is Code.INVALID_REQUEST


def test_networks_without_log_mel_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SonotypeError, match="not a log-mel network"):
        export_network(Registry([], tmp_path).get("yamnet"), tmp_path, Wanted(""))
