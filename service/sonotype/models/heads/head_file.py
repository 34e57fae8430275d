"""The safetensors file of a head, read for both kinds of heads, without torch."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import AnyHeadCard


def read_head_file(path: Path, card: AnyHeadCard, what: str) -> dict[str, NDArray[Any]]:
    """The arrays of a file whose hash is the one of the card; what they are is for the caller to check.

    Args:
        path: of the file.
        card: of the head.
        what: the file holds, for messages: "prototypes", "weights".

    Raises:
        SonotypeError: `weights_missing` without the file; `weights_corrupt` where it has another hash, or is none.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SonotypeError(Code.WEIGHTS_MISSING, f"The {what} of {card.address} are not there.") from error
    if hashlib.sha256(data).hexdigest() != card.weights.sha256:
        raise unfit(card, what, "do not have the hash of the card")
    try:
        return dict(load(data))
    except (SafetensorError, KeyError, ValueError) as error:  # the latter for types and shapes that NumPy does not have
        raise unfit(card, what, "are no safetensors file") from error


def unfit(card: AnyHeadCard, what: str, fault: str) -> SonotypeError:
    """An error for arrays that do not fit their card."""
    return SonotypeError(Code.WEIGHTS_CORRUPT, f"The {what} of {card.address} {fault}.")
