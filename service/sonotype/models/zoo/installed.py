"""Models of the zoo on this machine: folders with a card, weights and a receipt."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card, read_card
from sonotype.models.weights.artefact import delete
from sonotype.models.weights.base import corrupt, sha256_of, sync_folder
from sonotype.models.weights.terms import Acceptance
from sonotype.models.zoo.converting import Converted

WEIGHTS = "model.safetensors"
RECEIPT = "receipt.json"


class ZooReceipt(BaseModel):
    """Where a model came from, what became of it, and who accepted its licence.

    Attributes:
        model: its name.
        format: the form it was fetched in, or `file` for one that was imported.
        urls: where that form lies.
        source_sha256: hash of what was fetched.
        sha256: hash of the converted weights.
        n_bytes: their size.
        licence: SPDX name.
        acceptance: None where the licence asks for none.
        made_at: when.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    receipt_schema: Literal[1] = 1
    model: str
    format: str
    urls: tuple[str, ...] = ()
    source_sha256: str
    sha256: str
    n_bytes: int
    licence: str
    acceptance: Acceptance | None = None
    made_at: str


def files_of(
    made: Converted, *, form: str, source_sha256: str, urls: tuple[str, ...] = (), acceptance: Acceptance | None = None
) -> dict[str, bytes]:
    """The content of a model folder by name; the card last, as a folder without one is no model."""
    receipt = ZooReceipt(
        model=made.card.name,
        format=form,
        urls=urls,
        source_sha256=source_sha256,
        sha256=made.card.weights_sha256,
        n_bytes=len(made.weights),
        licence=made.card.licence.spdx,
        acceptance=acceptance,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return {
        WEIGHTS: made.weights,
        RECEIPT: receipt.model_dump_json(indent=2).encode() + b"\n",
        "card.toml": card_text(made.card).encode(),
    }


def card_text(card: Card) -> str:
    """A network's card as TOML, plain values before tables."""
    fields = card.model_dump(mode="json", exclude_none=True)
    return tomli_w.dumps(
        dict(sorted(fields.items(), key=lambda item: isinstance(item[1], dict))), multiline_strings=True
    )


def read_receipt(folder: Path) -> ZooReceipt | None:
    """The receipt of a model folder, or None where it has none that can be read."""
    try:
        return ZooReceipt.model_validate_json((folder / RECEIPT).read_bytes())
    except (OSError, ValidationError):
        return None


def verify(folder: Path) -> Card:
    """Hash the weights of a model folder and hold them against its card.

    Raises:
        SonotypeError: `weights_missing` or `weights_corrupt`.
    """
    try:
        card = read_card(folder / "card.toml")
        sha256 = sha256_of(folder / WEIGHTS)
    except OSError as error:
        raise SonotypeError(Code.WEIGHTS_MISSING, f"{folder.name} is not pulled.") from error
    except ValueError as error:
        raise corrupt(f"The card of {folder.name} cannot be read; pull it again.") from error
    if sha256 != card.weights_sha256:
        raise corrupt(f"The weights of {card.address} have changed on disk; pull them again.")
    return card


def remove(folder: Path) -> int:
    """Delete a model folder, but for further versions in it; returns the bytes that became free. Raises OSError."""
    if any(folder.glob("*/card.toml")):
        # the card first: a folder without one is no model
        return sum(delete(folder / name) for name in ("card.toml", RECEIPT, WEIGHTS))
    freed = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    # gone at once for everybody, then deleted; two levels deep, where no registry looks
    doomed = Path(tempfile.mkdtemp(prefix=".removed-", dir=folder.parent))
    folder.rename(doomed / folder.name)
    sync_folder(folder.parent)
    shutil.rmtree(doomed, ignore_errors=True)
    return freed
