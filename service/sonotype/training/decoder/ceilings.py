"""How much of an embedding survives a change of its audio: the ceiling that no decoder behind that change can pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from sonotype.core.types import Floats
from sonotype.models.sonify.flow_mel import Decoder
from sonotype.models.sonify.griffin_lim import griffin_lim
from sonotype.models.sonify.mel import segment_mel

Change = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What is left of the embeddings of some segments.

    Attributes:
        cosine: mean cosine of standardised embeddings before and after.
        norm: mean ratio of their norms, after to before.
        found: how often the nearest of all untouched segments, by cosine, is the segment itself.
    """

    cosine: float
    norm: float
    found: float


def compare(before: Floats, after: Floats, mean: Floats, scale: Floats) -> Ceiling:
    """Compare embeddings row by row, shapes [n, dim]; `mean` and `scale` standardise them."""
    x, y = (before - mean) / scale, (after - mean) / scale
    x_norm, y_norm = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    cosines = (y / y_norm[:, None]) @ (x / x_norm[:, None]).T
    found = (cosines.argmax(axis=1) == np.arange(len(x))).mean()
    return Ceiling(float(np.diag(cosines).mean()), float((y_norm / x_norm).mean()), float(found))


def changes(decoder: Decoder) -> dict[str, Change]:
    """The changes between a segment and what its decoder could at best make of it.

    Returns:
        Functions from a segment's samples to samples, by name: log-mel and Griffin-Lim; the same with the codec
        between; and both with the vocoder.
    """

    def change(coded: bool, trained: bool) -> Change:
        def run(samples: Floats) -> Floats:
            with torch.inference_mode():
                mel = segment_mel(decoder.vocoder.frontend, torch.from_numpy(samples)[None])
                if coded:
                    mel = decoder.mel(decoder.codec.encode(mel))
                made = decoder.vocoder(mel) if trained else griffin_lim(decoder.vocoder.frontend, mel)
                result: Floats = made[0].clamp(-1.0, 1.0).numpy()
                return result

        return run

    names = {
        (False, False): "gl(mel)",
        (True, False): "gl(codec)",
        (False, True): "voc(mel)",
        (True, True): "voc(codec)",
    }
    return {name: change(*which) for which, name in names.items()}
