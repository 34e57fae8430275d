"""`TensorProto`: the constants of a TensorFlow graph.

Values lie in `tensor_content`, little-endian, or in a list of their type's field, of which the last value may stand
for all that follow.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from sonotype.models.essentia.graph import MAX_DIMS, Tensor
from sonotype.models.weights.base import corrupt
from sonotype.models.weights.wire import content, fields, number, signed, varints

_FLOAT, _DOUBLE, _INT32, _INT64, _BOOL, _HALF = 1, 2, 3, 9, 10, 19
# data type: kind, element type in `tensor_content`, field of the list
_TYPES = {
    _FLOAT: ("float", "<f4", 5),
    _DOUBLE: ("float", "<f8", 6),
    _HALF: ("float", "<f2", 13),
    _INT32: ("int", "<i4", 7),
    _INT64: ("int", "<i8", 10),
    _BOOL: ("bool", "?", 11),
}
_FIXED = {_FLOAT: 4, _DOUBLE: 8}  # bytes of a list's elements; the other lists hold varints
_MAX_LISTED = 4096


def read_tensor(message: bytes) -> Tensor:
    """Read a `TensorProto`; its numbers are decoded when they are asked for.

    Raises:
        SonotypeError: `weights_corrupt`.
    """
    dtype, data = 0, b""
    shape: tuple[int, ...] = ()
    listed: list[tuple[int, int | bytes]] = []
    for tag, value in fields(message):
        if tag == 1:
            dtype = number(value)
        elif tag == 2:
            shape = read_shape(content(value))
        elif tag == 4:
            data = content(value)
        else:
            listed.append((tag, value))
        if len(listed) > _MAX_LISTED:  # lists are packed into one field each, save for short ones
            raise corrupt("A constant of the graph is a longer list than any model needs.")
    kind, element, tag = _TYPES.get(dtype, ("other", "", 0))
    if data:
        return Tensor(shape, kind, partial(_from_content, data, element))
    return Tensor(shape, kind, partial(_from_list, [value for own, value in listed if own == tag], dtype))


def read_shape(message: bytes) -> tuple[int, ...]:
    """Read a `TensorShapeProto`; -1 is a length that is not known."""
    dims: list[int] = []
    for tag, value in fields(message):
        if tag == 2:
            dims.append(signed(dict(fields(value)).get(1, 0)))
        if len(dims) > MAX_DIMS:
            raise corrupt("A shape of the graph has too many axes.")
    return tuple(dims)


def read_type(value: int | bytes) -> str:
    """Kind of a data type: `float`, `int`, `bool` or `other`."""
    return _TYPES.get(number(value), ("other", "", 0))[0]


def _from_content(data: bytes, element: str) -> np.ndarray:
    if not element or len(data) % np.dtype(element).itemsize:
        raise corrupt("A constant of the graph has a type or a length that cannot be read.")
    return np.frombuffer(data, element)


def _from_list(values: list[int | bytes], dtype: int) -> np.ndarray:
    if dtype in _FIXED:
        width = _FIXED[dtype]
        parts = [v if isinstance(v, bytes) else _little_endian(v, width) for v in values]
        return _from_content(b"".join(parts), _TYPES[dtype][1])
    numbers = list[int]()
    for value in values[:_MAX_LISTED]:
        numbers += varints(value, _MAX_LISTED) if isinstance(value, bytes) else [signed(value)]
    if dtype == _HALF:
        return np.array(numbers, np.int64).astype(np.uint16).view(np.float16)
    return np.array(numbers, np.int64)


def _little_endian(value: int, width: int) -> bytes:
    if value >= 1 << 8 * width:
        raise corrupt("A constant of the graph does not fit its type.")
    return value.to_bytes(width, "little")
