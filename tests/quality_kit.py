"""A fake network that can leave patches out: windows of one second with a grid of 9 rows and 9 columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomli_w

from sonotype.models.card import Card, read_card
from sonotype.models.card_parts import PatchoutSpec

FAKES = Path(__file__).parent / "data" / "models"
ROWS, COLUMNS = 9, 9
PRESETS = {"full": PatchoutSpec(), "balanced": PatchoutSpec(time_every=2), "fast": PatchoutSpec(time_every=4)}


def grid_card(name: str = "grid", **patch: Any) -> Card:
    """The card of `fake` with 96 bands, presets, a last patch at the end of the clip and short clips as they are."""
    card = read_card(FAKES / "fake" / "card.toml")
    frontends = {key: spec.model_copy(update={"n_mels": 96}) for key, spec in card.mel_frontends.items()}
    cut = {"tail": "align", "short": "native", "min_frames": 16, **patch}
    changes = {"name": name, "frontends": frontends, "patchout": PRESETS, "patch": card.patch.model_copy(update=cut)}
    return Card.model_validate(card.model_copy(update=changes).model_dump())


def write_grid_model(repository: Path, name: str = "grid", **patch: Any) -> Card:
    """Put `grid_card` into a model repository."""
    return write_card(repository, grid_card(name, **patch))


def write_card(repository: Path, card: Card) -> Card:
    """Put a card into a model repository."""
    folder = repository / card.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.toml").write_text(tomli_w.dumps(card.model_dump(mode="json", exclude_none=True)))
    return card
