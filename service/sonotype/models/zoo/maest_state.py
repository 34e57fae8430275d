"""The parameters of a MAEST under their published names: which there are, of what shape, and of what size a model is.

Source: the names and shapes of the published checkpoints (discogs-maest-*.ckpt, release v0.0.0-beta).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sonotype.core.types import Floats
from sonotype.models.weights.base import corrupt

State = dict[str, Floats]
ROWS = 9
"""Rows of patches: 96 mel bands, 16 per patch, 10 from patch to patch."""

SIDE = 16
EXTRA_TOKENS = 2  # CLS and DIST
HEAD_WIDTH = 64  # of one attention head; no checkpoint says how many heads there are
BUFFERS = ("melspectrogram.",)
"""Beginnings of names that are no parameters: the published module computes its own mel spectrogram."""

_BLOCK = re.compile(r"^blocks\.(\d{1,3})\.")
_MAX_DEPTH = 128


@dataclass(frozen=True, slots=True)
class Geometry:
    """How large a MAEST is.

    Attributes:
        n_labels: its tags.
        columns: length of its time encodings: 187 for 30 s.
        width: of a token.
        depth: its blocks.
        heads: of the attention.
        head_dist: whether it holds a second classifier, on DIST.
    """

    n_labels: int = 400
    columns: int = 187
    width: int = 768
    depth: int = 12
    heads: int = 12
    head_dist: bool = True

    def options(self) -> dict[str, Any]:
        """The keywords of `nets.maest.MAEST`, without the number of labels."""
        return {name: value for name, value in asdict(self).items() if name != "n_labels"}


def shapes(geometry: Geometry) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter by its name."""
    width, labels = geometry.width, geometry.n_labels
    found: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, width),
        "dist_token": (1, 1, width),
        "new_pos_embed": (1, EXTRA_TOKENS, width),
        "freq_new_pos_embed": (1, width, ROWS, 1),
        "time_new_pos_embed": (1, width, 1, geometry.columns),
        "patch_embed.proj.weight": (width, 1, SIDE, SIDE),
        "patch_embed.proj.bias": (width,),
    }
    for number in range(geometry.depth):
        found |= _block(f"blocks.{number}", width)
    found |= _norm("norm", width) | _norm("head.0", width) | _dense("head.1", width, labels)
    return found | (_dense("head_dist", width, labels) if geometry.head_dist else {})


def count(geometry: Geometry) -> int:
    """How many numbers a model of this size has: 86 023 712 for the published 30 s with 400 labels."""
    return sum(int(np.prod(shape)) for shape in shapes(geometry).values())


def geometry_of(state: Mapping[str, Floats], what: str, heads: int | None = None) -> Geometry:
    """Read the size of a model off its parameters.

    Args:
        state: parameters under the published names.
        what: they came from, for messages.
        heads: of the attention; None means one for every 64 numbers of a token.

    Raises:
        SonotypeError: `weights_corrupt` where the size cannot be read.
    """
    width = _dim(state, "cls_token", 2, what)
    numbers = {int(match[1]) for match in map(_BLOCK.match, state) if match}
    depth = max(numbers, default=-1) + 1
    if not 1 <= depth <= _MAX_DEPTH:
        raise corrupt(f"{what}: {depth} blocks are not a MAEST.")
    heads = heads or max(1, width // HEAD_WIDTH)
    if width % heads:
        raise corrupt(f"{what}: {heads} heads do not divide a width of {width}.")
    return Geometry(
        n_labels=_dim(state, "head.1.weight", 1, what, at=0),
        columns=_dim(state, "time_new_pos_embed", 3, what),
        width=width,
        depth=depth,
        heads=heads,
        head_dist="head_dist.weight" in state,
    )


def checked(state: Mapping[str, Floats], geometry: Geometry, what: str) -> State:
    """Exactly the parameters of a model of this size, in float32.

    Raises:
        SonotypeError: `weights_corrupt` for a missing or unknown name, another shape, or numbers that are not finite.
    """
    wanted = shapes(geometry)
    given = {name for name in state if not name.startswith(BUFFERS)}
    if missing := sorted(wanted.keys() - given):
        raise corrupt(f"{what}: {len(missing)} tensors are missing, such as {missing[0]!r}.")
    if unknown := sorted(given - wanted.keys()):
        raise corrupt(f"{what}: {len(unknown)} tensors are unknown, such as {unknown[0][:120]!r}.")
    for name, shape in wanted.items():
        if state[name].shape != shape:
            raise corrupt(f"{what}: {name!r} has the shape {state[name].shape}, not {shape}.")
    return {name: _finite(state[name], name, what) for name in wanted}


def _finite(array: Floats, name: str, what: str) -> Floats:
    value = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(value).all():
        raise corrupt(f"{what}: {name!r} holds numbers that are not finite.")
    return value


def _dim(state: Mapping[str, Floats], name: str, last: int, what: str, *, at: int = -1) -> int:
    """One dimension of a parameter that has `last + 1` of them."""
    array = state.get(name)
    if array is None:
        raise corrupt(f"{what}: there is no tensor {name!r}, so this is no MAEST.")
    if array.ndim != last + 1 or array.size == 0:
        raise corrupt(f"{what}: {name!r} has the shape {array.shape}.")
    return int(array.shape[at])


def _block(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {
        **_norm(f"{name}.norm1", width),
        **_dense(f"{name}.attn.qkv", width, 3 * width),
        **_dense(f"{name}.attn.proj", width, width),
        **_norm(f"{name}.norm2", width),
        **_dense(f"{name}.mlp.fc1", width, 4 * width),
        **_dense(f"{name}.mlp.fc2", 4 * width, width),
    }


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _dense(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
