"""The patch grid of a spectrogram transformer, and what leaving patches out of it saves."""

from __future__ import annotations

from dataclasses import dataclass

from sonotype.core.types import Patchout, Quality
from sonotype.models.card import Card
from sonotype.models.nets.patchout import grid_size, kept

# Decoding, resampling and front end cost the same whatever the network leaves out.
LEAST_SHARE = 0.1
_TOKENS_BESIDE = 2  # CLS and DIST
_WIDTH = 768


@dataclass(frozen=True, slots=True)
class Grid:
    """Patches of a whole window: rows over frequency, columns over time."""

    rows: int
    columns: int

    def tokens(self, patchout: Patchout | None = None) -> int:
        """Tokens that the first block sees."""
        return kept(self.rows, self.columns, patchout).patches + _TOKENS_BESIDE


def grid_of(card: Card) -> Grid | None:
    """The grid of a card with presets for leaving patches out; None for all others."""
    if not card.patchout or not card.mel_frontends:
        return None
    n_mels = next(iter(card.mel_frontends.values())).n_mels
    return Grid(grid_size(n_mels), grid_size(card.patch.frames))


@dataclass(frozen=True, slots=True)
class Preset:
    """What a quality leaves out (None: nothing) and its cost as a share of that of `full`."""

    quality: Quality
    patchout: Patchout | None
    cost: float


def presets_of(card: Card) -> tuple[Preset, ...]:
    """The qualities of a card, in its order; none where it knows only one."""
    return tuple(_preset(card, quality, Patchout(**spec.model_dump())) for quality, spec in card.patchout.items())


def _preset(card: Card, quality: Quality, patchout: Patchout) -> Preset:
    return Preset(quality, None if patchout.is_none else patchout, cost_share(card, patchout))


def cost_share(card: Card, patchout: Patchout | None) -> float:
    """Cost of a patch as a share of that of a whole one, from `LEAST_SHARE` to 1.

    Counted in operations of a transformer's block on N tokens of width D: 24 N D² for its products with weights and
    4 N² D for its attention.
    """
    grid = grid_of(card)
    if grid is None or patchout is None:
        return 1.0
    width = int(card.network.options.get("width", _WIDTH))
    left, whole = (24 * n * width**2 + 4 * n**2 * width for n in (grid.tokens(patchout), grid.tokens()))
    return max(LEAST_SHARE, left / whole)
