"""Two versions of a real network and of a transfer head on it, in a repository of their own."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np

from sonotype.models.card import HeadCard, read_card
from sonotype.models.card_parts import BackboneSpec, LayerSpec, LicenceSpec, WeightsSpec
from sonotype.models.heads.transfer import HEAD_FILE, Dense, head_bytes
from sonotype.models.registry import Registry
from sonotype.training.model_folder import card_text

SOURCE = "musicnn-msd"
NETWORK, HEAD = "tagger", "taste"


def write_network(repository: Path, version: str, weights_dir: Path) -> None:
    """A version of MusiCNN, its weights beside its card."""
    registry = Registry([], weights_dir)
    card = registry.get(SOURCE)
    weights = registry.weights_path(card)
    if weights is None:
        raise SystemExit(f"run `sonotype models pull {SOURCE}` first")
    folder = repository / NETWORK / version
    folder.mkdir(parents=True)
    shutil.copy(weights, folder / "model.safetensors")
    text = (registry.folder(card) / "card.toml").read_text(encoding="utf-8")
    start, end = text.index("[source]"), text.index("[licence]")
    text = text[:start] + '[source]\nkind = "none"\n\n' + text[end:]
    text = text.replace(f'name = "{SOURCE}"', f'name = "{NETWORK}"').replace(
        'version = "1"', f'version = "{version}"', 1
    )
    (folder / "card.toml").write_text(text, encoding="utf-8")
    read_card(folder / "card.toml")


def write_head(repository: Path, version: str, weights_dir: Path) -> None:
    """A version of a head with a hidden layer, of random numbers: what it costs does not depend on them."""
    network = Registry([repository], weights_dir).get(NETWORK)
    dim = next(spec.dim for spec in network.embeddings if spec.name == "penultimate")
    random = np.random.default_rng(int(version))
    layers = [_dense(random, dim, 100), _dense(random, 100, 10)]
    content = head_bytes(layers, None, None)
    card = HeadCard(
        card_schema=1,
        kind="head",
        name=HEAD,
        version=version,
        title="Random head",
        description="For measuring.",
        task="multiclass",
        labels=tuple(f"class {i}" for i in range(10)),
        backbone=BackboneSpec(model=NETWORK, embedding="penultimate", sha256=network.weights_sha256),
        layers=(LayerSpec(units=100, activation="relu"), LayerSpec(units=10)),
        weights=WeightsSpec(sha256=hashlib.sha256(content).hexdigest(), n_parameters=dim * 100 + 1000),
        licence=LicenceSpec(spdx="Apache-2.0", commercial=True, holder="the Sonotype authors"),
    )
    folder = repository / HEAD / version
    folder.mkdir(parents=True)
    (folder / HEAD_FILE).write_bytes(content)
    (folder / "card.toml").write_text(card_text(card), encoding="utf-8")


def _dense(random: np.random.Generator, n_in: int, n_out: int) -> Dense:
    weight = random.normal(scale=n_in**-0.5, size=(n_out, n_in)).astype(np.float32)
    return Dense(weight, np.zeros(n_out, dtype=np.float32))
