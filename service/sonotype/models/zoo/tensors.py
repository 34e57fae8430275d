"""Read the parameters of a MAEST from any of the forms that it is published in, known by their content.

| form | content |
|---|---|
| `.ckpt`, `.pt` | a state dict; `{"model": …}`; a Lightning checkpoint, `net_swa.` (averaged) before `net.` |
| `.safetensors` | the same names, or those of `transformers`' AST |
| `.onnx` | a graph that was exported from AST |
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from safetensors import SafetensorError, safe_open

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.weights.base import corrupt
from sonotype.models.zoo.ast_names import from_ast, is_ast
from sonotype.models.zoo.maest_state import BUFFERS, State

if TYPE_CHECKING:
    from torch import Tensor

Form = Literal["checkpoint", "safetensors", "onnx"]
_PREFIXES = ("net_swa.", "net.")  # Lightning's, the preferred one first
_FLOATS = ("F16", "F32", "F64")


def read_state(path: Path) -> State:
    """The parameters in a file under MAEST's names, not yet checked against any size.

    Raises:
        SonotypeError: `not_found`; `weights_corrupt` for a file that is damaged, that is something else, or that could
            only be read by running code; `invalid_request` for ONNX without the extra that reads it.
    """
    form = form_of(path)
    if form == "checkpoint":
        state = _checkpoint(path)
    elif form == "safetensors":
        state = _safetensors(path)
    else:
        from sonotype.models.zoo.onnx_graph import read_onnx  # noqa: PLC0415 - brings onnx, an extra

        state = read_onnx(path)
    return from_ast(state, path.name) if is_ast(state) else state


def form_of(path: Path) -> Form:
    """What kind of file it is, by its first bytes.

    Raises:
        SonotypeError: `not_found`, or `weights_corrupt` for none of them.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise SonotypeError(Code.NOT_FOUND, f"{path.name!r} cannot be read: {error.strerror}.") from error
    if head.startswith((b"PK\x03\x04", b"\x80")):  # a zip by torch.save, or its older form, a bare pickle
        return "checkpoint"
    if head[8:9] == b"{":  # the header's length, then the header
        return "safetensors"
    if head.startswith(b"\x08"):  # the first field of an ONNX model is the version of its format
        return "onnx"
    raise corrupt(f"{path.name!r} is no checkpoint, no safetensors and no ONNX file.")


def _checkpoint(path: Path) -> State:
    from sonotype.models.encodecmae.reading import read, state_of  # noqa: PLC0415 - brings torch

    content = read(path)
    inner = content.get("model", content)
    if not isinstance(inner, dict):
        raise corrupt(f"{path.name!r} holds no state dict under 'model'.")
    state = _averaged(state_of(inner, path.name))
    return {name: _array(tensor, name, path.name) for name, tensor in state.items()}


def _averaged(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The network of a Lightning checkpoint, averaged where there is an average; other states as they are."""
    for prefix in _PREFIXES:
        found = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        if found:
            return found
    return dict(state)


def _array(tensor: Tensor, name: str, what: str) -> Floats:
    # quantised weights without their scales; what is no parameter may be of any type
    if not tensor.is_floating_point() and not name.startswith(BUFFERS):
        raise corrupt(f"{what}: {name[:120]!r} is of type {tensor.dtype}, which no weight is.")
    array: Floats = tensor.detach().float().numpy()
    return array


def _safetensors(path: Path) -> State:
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: _read(file, name, path.name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise corrupt(f"{path.name!r} is damaged, or no safetensors file.") from error


def _read(file: safe_open, name: str, what: str) -> Floats:
    kind = file.get_slice(name).get_dtype()  # type: ignore[no-untyped-call]
    if kind not in _FLOATS:
        raise corrupt(f"{what}: {name[:120]!r} is of type {kind}; {', '.join(_FLOATS)} are read.")
    array: Floats = file.get_tensor(name).astype(np.float32)  # type: ignore[no-untyped-call]
    return array
