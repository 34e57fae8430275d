"""Tensors of an ONNX file as arrays, those that lie in a file beside it included: never outside its folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from onnx import TensorProto, numpy_helper

from sonotype.core.types import Floats
from sonotype.models.weights.base import corrupt

_FLOATS: dict[int, str] = {TensorProto.FLOAT: "<f4", TensorProto.FLOAT16: "<f2", TensorProto.DOUBLE: "<f8"}


def as_floats(tensor: TensorProto, path: Path) -> Floats | None:
    """A tensor as float32; None for one that holds no floating point numbers.

    Args:
        tensor: of the graph.
        path: of the ONNX file.

    Raises:
        SonotypeError: `weights_corrupt` where it does not hold what it claims to.
    """
    if tensor.data_type not in _FLOATS:
        return None
    try:
        if tensor.data_location == TensorProto.EXTERNAL:
            array = _external(tensor, path)
        else:
            array = numpy_helper.to_array(tensor)
        return np.asarray(array, dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise corrupt(f"{path.name!r}: the tensor {tensor.name[:120]!r} does not hold what it says.") from error


def _external(tensor: TensorProto, path: Path) -> Floats:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    kind = np.dtype(_FLOATS[tensor.data_type])
    dims = tuple(tensor.dims)
    if any(size < 0 for size in dims):
        raise ValueError(dims)
    # whole numbers of Python: a product of forged sizes must not wrap around
    n_bytes = kind.itemsize
    for size in dims:
        n_bytes *= size
    data = _slice(_beside(path, entries.get("location", "")), int(entries.get("offset", 0)), n_bytes, tensor.name)
    return np.frombuffer(data, dtype=kind).reshape(dims)


def _beside(path: Path, location: str) -> Path:
    """The file that holds external data: in the folder of the ONNX file or below it, links followed."""
    parts = PurePosixPath(location)
    outside = not location or parts.is_absolute() or PureWindowsPath(location).is_absolute() or ".." in parts.parts
    folder = path.resolve().parent
    target = folder if outside else (folder / parts).resolve()
    if outside or not target.is_relative_to(folder) or not target.is_file():
        raise corrupt(f"{path.name!r} names the data file {location[:120]!r}, which is not beside it.")
    return target


def _slice(path: Path, offset: int, n_bytes: int, name: str) -> bytes:
    size = path.stat().st_size
    if offset < 0 or offset + n_bytes > size:
        raise corrupt(f"{path.name!r} is too short for the tensor {name[:120]!r}.")
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(n_bytes)
