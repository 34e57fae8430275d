"""From a published file to the content of a model folder. Torch is brought by checkpoints that torch wrote, alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card
from sonotype.models.card_parts import LicenceSpec, WeightsSpec
from sonotype.models.weights.base import corrupt
from sonotype.models.weights.convert import to_safetensors
from sonotype.models.zoo.catalogue import ZooModel
from sonotype.models.zoo.labels import label_set
from sonotype.models.zoo.maest_card import maest_card
from sonotype.models.zoo.maest_state import Geometry, checked, count, geometry_of
from sonotype.models.zoo.resizing import columns_of, resized
from sonotype.models.zoo.tensors import read_state


@dataclass(frozen=True, slots=True)
class Converted:
    """A model ready to be written: its card and its weights as safetensors."""

    card: Card
    weights: bytes


def convert_maest(
    name: str,
    path: Path,
    *,
    licence: LicenceSpec,
    labels: Sequence[str] | None = None,
    heads: int | None = None,
    seconds: float | None = None,
    title: str = "",
    description: str = "",
    expected: Geometry | None = None,
) -> Converted:
    """Read, check and convert a MAEST in any published form.

    Args:
        name: of the model to be.
        path: the file.
        licence: of its weights.
        labels: one for each output; Discogs' list of that length where none are given.
        heads: of the attention, which no file says; one for every 64 numbers of a token where None.
        seconds: another length than it was trained with; its time encodings are interpolated.
        title: for lists.
        description: a sentence or two.
        expected: the size that it must have; whether it holds `head_dist` depends on its form and is not compared.

    Raises:
        SonotypeError: `not_found`, `weights_corrupt` for a file that is no such MAEST, `invalid_request` for labels or
            a length that do not fit.
    """
    state = read_state(path)
    found = geometry_of(state, path.name, heads)
    if expected is not None:
        _same(found, expected, path.name)
    state = checked(state, found, path.name)
    if seconds is not None:
        state = resized(state, columns_of(seconds))
        found = geometry_of(state, path.name, heads)
    data = to_safetensors(state)
    spec = WeightsSpec(sha256=hashlib.sha256(data).hexdigest(), n_parameters=count(found))
    description = description or f"Imported from {path.name}."
    card = maest_card(name, found, labels=labels, title=title, description=description, weights=spec, licence=licence)
    return Converted(card, data)


def _maest(model: ZooModel, path: Path, licence: LicenceSpec) -> Converted:
    labels = labels_of(model)
    expected = geometry(model)
    return convert_maest(
        model.name,
        path,
        licence=licence,
        labels=labels,
        heads=expected.heads,
        title=model.title,
        description=model.description,
        expected=expected,
    )


def geometry(model: ZooModel) -> Geometry:
    """The size that a MAEST of the zoo must have.

    Raises:
        SonotypeError: `invalid_request` where the catalogue says something else than a size.
    """
    try:
        return Geometry(n_labels=len(labels_of(model)), **model.options)
    except TypeError as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"The zoo describes {model.name} wrongly: {error}.") from error


def labels_of(model: ZooModel) -> tuple[str, ...]:
    """The labels of a model of the zoo, from a label list or its own."""
    return label_set(model.labels) if isinstance(model.labels, str) else model.labels


def _same(found: Geometry, expected: Geometry, what: str) -> None:
    for name in ("n_labels", "columns", "width", "depth"):
        have, want = getattr(found, name), getattr(expected, name)
        if have != want:
            raise corrupt(f"{what}: {name.removeprefix('n_')} must be {want}, not {have}.")


Converter = Callable[[ZooModel, Path, LicenceSpec], Converted]
CONVERTERS: dict[str, Converter] = {"maest": _maest}
"""Who converts a model of the zoo, by its family."""


def convert(model: ZooModel, path: Path, licence: LicenceSpec) -> Converted:
    """Convert a fetched model of the zoo.

    Raises:
        SonotypeError: as `convert_maest`; `invalid_request` for a family that nobody converts.
    """
    converter = CONVERTERS.get(model.family)
    if converter is None:
        raise SonotypeError(Code.INVALID_REQUEST, f"Nobody here converts models of the family {model.family!r}.")
    return converter(model, path, licence)
