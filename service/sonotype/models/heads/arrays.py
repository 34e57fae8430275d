"""The numbers of a prototype model: `prototypes.safetensors`, read and written in one place, without torch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from sonotype.core.types import Floats
from sonotype.models.card import PrototypeCard
from sonotype.models.heads.head_file import read_head_file, unfit

FILE_NAME = "prototypes.safetensors"


@dataclass(frozen=True, slots=True)
class HeadArrays:
    """A trained head: M prototypes of C classes in an embedding space of D dimensions.

    Attributes:
        prototypes: in the normalised space z = (x - mean) / scale, after any adaptor, shape [M, D].
        owners: class of each prototype, ascending, shape [M].
        mean: of the normalisation, shape [D].
        scale: of the normalisation, above zero, shape [D].
        gamma: width of each prototype's kernel, above zero, shape [M].
        weight: of the linear layer, shape [C, M].
        bias: of the linear layer, shape [C].
        baseline: mean similarity of the training segments, shape [M].
        ood_threshold: 1 % quantile of the training segments' largest similarity, shape [1].
        medoids: embedding of the real training segment nearest to each prototype, not normalised, shape [M, D].
    """

    prototypes: Floats
    owners: NDArray[np.int64]
    mean: Floats
    scale: Floats
    gamma: Floats
    weight: Floats
    bias: Floats
    baseline: Floats
    ood_threshold: Floats
    medoids: Floats

    def to_bytes(self) -> bytes:
        """The safetensors file; the same numbers give the same bytes."""
        return bytes(save({spec.name: np.ascontiguousarray(getattr(self, spec.name)) for spec in fields(self)}))


def read_arrays(folder: Path, card: PrototypeCard) -> HeadArrays:
    """Read the arrays of a model folder and hold them against the card.

    Raises:
        SonotypeError: `weights_missing` without the file; `weights_corrupt` where its hash is not the card's, an
            array is missing, has another shape or type, or holds numbers that are impossible.
    """
    found = read_head_file(folder / FILE_NAME, card, "prototypes")
    names = {spec.name for spec in fields(HeadArrays)}
    if found.keys() != names:
        raise unfit(card, "prototypes", f"miss or add arrays: {', '.join(sorted(found.keys() ^ names))[:120]}")
    arrays = HeadArrays(**found)
    fault = _fault(arrays, len(card.labels))
    if fault:
        raise unfit(card, "prototypes", fault)
    return arrays


def _fault(arrays: HeadArrays, n_classes: int) -> str | None:
    """What is wrong with the shapes or numbers, or None."""
    if arrays.prototypes.ndim != 2 or not arrays.prototypes.size:
        return "hold no prototypes"
    m, d = arrays.prototypes.shape
    shapes = {"owners": (m,), "mean": (d,), "scale": (d,), "gamma": (m,), "weight": (n_classes, m)}
    shapes |= {"bias": (n_classes,), "baseline": (m,), "ood_threshold": (1,), "medoids": (m, d)}
    for name, shape in shapes.items():
        array = getattr(arrays, name)
        if array.shape != shape:
            return f"hold {name!r} of shape {list(array.shape)} instead of {list(shape)}"
    for spec in fields(arrays):
        array = getattr(arrays, spec.name)
        wanted = np.int64 if spec.name == "owners" else np.float32
        if array.dtype != wanted or not np.isfinite(array).all():
            return f"hold {spec.name!r} that is not {np.dtype(wanted)} or not finite"
    if (arrays.scale <= 0).any() or (arrays.gamma <= 0).any():
        return "hold a scale or a kernel width that is not positive"
    if (np.diff(arrays.owners) < 0).any() or not 0 <= arrays.owners[0] <= arrays.owners[-1] < n_classes:
        return "belong to classes that the card does not have, or are not sorted by class"
    return None
