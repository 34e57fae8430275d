"""Where pulled weights lie, and the receipt that says they are all there.

```
<weights_dir>/<name>/<version>/model.safetensors   or model.tflite, model.onnx: graphs that an engine reads as they are
<weights_dir>/<name>/<version>/receipt.json        written last: no receipt, not pulled
<weights_dir>/downloads/<sha256>                   what was fetched; several models may come from one file
<weights_dir>/.locks/                             one file per lock; empty
```
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sonotype.models.card import Card
from sonotype.models.weights.terms import Acceptance


class Receipt(BaseModel):
    """What was pulled, from where and when, and who accepted its licence where that was asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    receipt_schema: Literal[1] = 1
    model: str
    sha256: str
    n_bytes: int
    source_kind: str
    source_sha256: str
    licence: str
    pulled_at: str
    acceptance: Acceptance | None = None


def weights_name(card: Card) -> str:
    """The name of the file with the weights of `card`: `model.` and their format."""
    return f"model.{card.weights.format if card.weights is not None else 'safetensors'}"


def weights_file(card: Card, weights_dir: Path) -> Path:
    """Where the weights of `card` go, whether they are there or not."""
    return weights_dir / card.name / card.version / weights_name(card)


def receipt_file(card: Card, weights_dir: Path) -> Path:
    """Where the receipt of `card` goes."""
    return weights_file(card, weights_dir).with_name("receipt.json")


def read_receipt(path: Path) -> Receipt | None:
    """The receipt at `path`, or None where there is none that can be read."""
    try:
        return Receipt.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def read_receipts(weights_dir: Path) -> Iterator[Receipt]:
    """The receipts of everything that is pulled, whether a card still names it or not."""
    for path in sorted(weights_dir.glob("*/*/receipt.json")):
        receipt = read_receipt(path)
        if receipt is not None:
            yield receipt


def find_weights(card: Card, weights_dir: Path) -> Path | None:
    """The pulled weights of `card`, or None.

    Cheap enough for every request: it holds the receipt against the card and the file's size against the receipt, so
    weights of an older card and half-written files do not count. `store.verify` reads the bytes as well.
    """
    path = weights_file(card, weights_dir)
    receipt = read_receipt(receipt_file(card, weights_dir))
    if card.weights is None or receipt is None or receipt.sha256 != card.weights.sha256:
        return None
    try:
        return path if path.stat().st_size == receipt.n_bytes else None
    except OSError:
        return None
