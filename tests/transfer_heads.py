"""Transfer heads for tests: random ones, and ones on the fake network that tell loud tones from soft ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from prototype_models import LABELS, class_audio, embed_tone, fake_backbone
from sonotype.core.types import Floats, Task
from sonotype.models.card import Card, HeadCard
from sonotype.models.card_parts import BackboneSpec, LayerSpec, LicenceSpec, WeightsSpec
from sonotype.models.heads.transfer import HEAD_FILE, Dense, head_bytes
from sonotype.training.model_folder import card_text


def random_layers(widths: Sequence[int], seed: int = 0) -> list[Dense]:
    """Layers of random numbers, from `widths[0]` inputs to `widths[-1]` outputs."""
    random = np.random.default_rng(seed)
    pairs = pairwise(widths)
    return [
        Dense(_f32(random.normal(size=(o, i)) / np.sqrt(i)), _f32(random.normal(scale=0.3, size=o))) for i, o in pairs
    ]


def head_card(
    content: bytes,
    layers: Sequence[Dense],
    labels: tuple[str, ...] = LABELS,
    *,
    name: str = "fake-head",
    task: Task = "multiclass",
    temperature: float = 1.0,
    frontend: str | None = None,
    hop_s: float | None = None,
    embedding: str = "vector",
    backbone: Card | None = None,
) -> HeadCard:
    """The card of a head on an embedding of a fake network; all layers but the last are rectified."""
    base = backbone or fake_backbone()
    widths = [len(layer.bias) for layer in layers]
    return HeadCard(
        card_schema=1,
        kind="head",
        name=name,
        version="1",
        title="Fake head",
        description="Tones of different loudness, for tests.",
        task=task,
        labels=labels,
        backbone=BackboneSpec(model=base.name, embedding=embedding, sha256=base.weights_sha256),
        frontend=frontend,
        hop_s=hop_s,
        layers=tuple(
            LayerSpec(units=n, activation="linear" if i == len(widths) - 1 else "relu") for i, n in enumerate(widths)
        ),
        temperature=temperature,
        weights=WeightsSpec(
            sha256=hashlib.sha256(content).hexdigest(), n_parameters=sum(d.weight.size for d in layers)
        ),
        licence=LicenceSpec(spdx="Apache-2.0", commercial=True, holder="the Sonotype authors"),
    )


def make_head(repository: Path, *, name: str = "fake-head", task: Task = "multiclass", **options: object) -> HeadCard:
    """Write the folder of a head that recognises `class_audio`; a regression says the class's number, less one."""
    labels = options.pop("labels", LABELS)
    layers, mean, scale = fitted_layers(len(labels), task)  # type: ignore[arg-type]
    content = head_bytes(layers, mean, scale)
    shown = ("loudness",) if task == "regression" else labels
    card = head_card(content, layers, shown, name=name, task=task, **options)  # type: ignore[arg-type]
    folder = repository / name
    folder.mkdir(parents=True)
    (folder / HEAD_FILE).write_bytes(content)
    (folder / "card.toml").write_text(card_text(card), encoding="utf-8")
    return card


def fitted_layers(n_labels: int, task: Task = "multiclass") -> tuple[list[Dense], Floats, Floats]:
    """One layer by least squares on the embeddings of tones, with mean and scale."""
    base = fake_backbone()
    rows = np.stack([embed_tone(base, class_audio(c, 1.0, seed)) for c in range(n_labels) for seed in range(16)])
    classes = np.repeat(np.arange(n_labels), 16)
    mean, scale = rows.mean(axis=0), 1.0 / (rows.std(axis=0) + 1e-3)
    if task == "regression":
        targets = (classes - 1.0)[:, None]
    else:
        targets = 20.0 * (classes[:, None] == np.arange(n_labels)) - 10.0
    z = np.hstack([(rows - mean) * scale, np.ones((len(rows), 1))])
    found = np.linalg.lstsq(z, targets, rcond=1e-3)[0].T
    return [Dense(_f32(found[:, :-1]), _f32(found[:, -1]))], _f32(mean), _f32(scale)


def _f32(values: object) -> Floats:
    return np.asarray(values, dtype=np.float32)
