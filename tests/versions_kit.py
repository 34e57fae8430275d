"""Versions of a fake network `net` and of a transfer head `taste` that stands on it, for tests of loading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sonotype.models.card import Card, HeadCard, read_card
from sonotype.models.heads.transfer import HEAD_FILE, head_bytes
from sonotype.training.model_folder import card_text
from transfer_heads import head_card, random_layers

FAKE = Path(__file__).parent / "data" / "models" / "fake" / "card.toml"
DIM = 16


def write_network(repository: Path, version: str, *, name: str = "net", delay_ms: float = 0.0) -> Card:
    """A version of a network, with weights of its own as far as heads can tell; its card is written last."""
    folder = repository / name / version
    folder.mkdir(parents=True)
    text = FAKE.read_text(encoding="utf-8").replace('name = "fake"', f'name = "{name}"')
    text = text.replace('version = "1"', f'version = "{version}"')
    text = text.replace("triggers = false", f"triggers = false\nseed = {version}\ndelay_ms = {delay_ms}")
    (folder / "card.toml").write_text(text, encoding="utf-8")
    return read_card(folder / "card.toml")


def write_head(repository: Path, version: str, backbone: Card, *, name: str = "taste", **changes: Any) -> HeadCard:
    """A version of a head of random numbers."""
    layers = random_layers([DIM, 3], int(version))
    content = head_bytes(layers, None, None)
    card = head_card(content, layers, name=name, backbone=backbone).model_copy(update={"version": version, **changes})
    folder = repository / name / version
    folder.mkdir(parents=True)
    (folder / HEAD_FILE).write_bytes(content)
    (folder / "card.toml").write_text(card_text(card), encoding="utf-8")
    return card


def break_network(repository: Path, version: str, *, name: str = "net") -> None:
    """A version that no worker can load."""
    write_network(repository, version, name=name)
    path = repository / name / version / "card.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("seed =", "nonsense = 1\nseed ="), encoding="utf-8")
