"""What every decoder does, and which one a card asks for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.card import PrototypeCard

# the module of each family offers load(folder, card, threads) -> Sonifier
_FAMILIES = {
    "flow-mel": "sonotype.models.sonify.flow_mel",
    "encodecmae": "sonotype.models.encodecmae.sonifier",
    "fake": "sonotype.models.sonify.fake",
}


class Sonifier(Protocol):
    """A decoder from an embedding to audio.

    Attributes:
        sample_rate_hz: of the audio.
        segment_samples: samples of one sonification.
        dim: length of the embedding.
    """

    sample_rate_hz: int
    segment_samples: int
    dim: int

    def stream(
        self, embedding: Floats, *, seed: int, steps: int | None = None, guidance: float | None = None
    ) -> Iterator[Floats]:
        """Generate one segment, block by block.

        Args:
            embedding: in the backbone's own space (not normalised), shape [dim].
            seed: decides the noise; the same seed gives the same audio.
            steps: of the sampler; None takes the card's.
            guidance: strength of the condition; None takes the card's.

        Yields:
            Mono float32 blocks that together hold `segment_samples`.

        Raises:
            SonotypeError: `invalid_request` for a vector of another length or with values that are not finite.
        """
        ...


@runtime_checkable
class Pausing(Protocol):
    """A decoder that looks up from its work.

    Attributes:
        pause: called before every step; what it raises ends the sonification.
    """

    pause: Callable[[], None]


def go_on() -> None:
    """The pause of a decoder that nobody interrupts."""


def load(folder: Path, card: PrototypeCard, threads: int = 1) -> Sonifier:
    """Load the decoder of a prototype model.

    Raises:
        SonotypeError: `not_found` where the card has none; `weights_corrupt` where its file does not fit.
    """
    if card.decoder is None:
        raise SonotypeError(Code.NOT_FOUND, f"{card.name} has no decoder, so nothing can be sonified.")
    module = importlib.import_module(_FAMILIES[card.decoder.family])
    return cast(Sonifier, module.load(folder, card, threads))


def checked(embedding: Floats, dim: int) -> Floats:
    """The embedding as float32 vector. Raises `invalid_request` for another length or values that are not finite."""
    vector = np.asarray(embedding, dtype=np.float32)
    if vector.shape != (dim,):
        raise SonotypeError(Code.INVALID_REQUEST, f"The embedding must have {dim} numbers, not {vector.size}.")
    if not np.isfinite(vector).all():
        raise SonotypeError(Code.INVALID_REQUEST, "The embedding holds numbers that are not finite.")
    return vector
