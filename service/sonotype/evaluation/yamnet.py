"""YAMNet as the judge hears with it: an embedding of sound that has nothing to do with the backbones it judges.

The network, its card and its runtime are those of the served model `yamnet`; only the cut is the judge's own.
"""

from __future__ import annotations

from pathlib import Path

from sonotype.core.types import Floats
from sonotype.evaluation.embedding import Embedder
from sonotype.models.card import Card, read_card
from sonotype.models.repository import builtin_repository
from sonotype.models.weights import store
from sonotype.models.weights.base import Progress, no_progress

SAMPLE_RATE_HZ = 16000
WINDOW_SAMPLES = 15600
HOP_SAMPLES = WINDOW_SAMPLES // 2


def yamnet_card() -> Card:
    """The card of the served model, with the judge's cut: half overlapping windows, no rest at the end."""
    card = read_card(builtin_repository() / "yamnet" / "card.toml")
    cut = {"frames": WINDOW_SAMPLES, "hop_frames": HOP_SAMPLES, "tail": "drop", "short": "pad"}
    return card.model_copy(update={"patch": card.patch.model_copy(update=cut)})


def fetch_yamnet(weights_dir: Path, progress: Progress = no_progress) -> Path:
    """Pull the weights unless they are there; returns their file.

    Raises:
        SonotypeError: `source_unreachable` or `weights_corrupt`.
        OSError: the folder cannot be written.
    """
    return store.pull(yamnet_card(), weights_dir, progress).path


class YamNet:
    """The network up to its last hidden layer; not safe for use by several threads at once.

    Args:
        weights: the TFLite file.
        threads: CPU threads of one call.

    Raises:
        SonotypeError: `weights_missing` or `weights_corrupt`.
    """

    def __init__(self, weights: Path, threads: int = 1) -> None:
        self._embedder = Embedder(yamnet_card(), weights, "embedding", threads=threads)
        self.dim: int = self._embedder.spec.dim

    def windows(self, samples: Floats) -> Floats:
        """Embed every window of 0.975 s, half overlapping.

        Args:
            samples: mono at 16 kHz, shape [n]; fewer than a window are followed by silence, a rest at the end that
                fills no window is left out.

        Returns:
            Shape [n_windows, 1024].

        Raises:
            SonotypeError: `audio_too_short` for no samples at all.
        """
        return self._embedder.patches(samples)
