"""Tensors of the protocol, and their bytes: little-endian numbers, and elements that begin with their length."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sonotype.core.errors import Code, SonotypeError

DTYPES: dict[str, str] = {"FP32": "<f4", "FP64": "<f8"}
MAX_ITEMS = 64
MAX_AXES = 8
_LENGTH = struct.Struct("<I")
Elements = NDArray[Any] | list[bytes]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named tensor: `data` is an array of one axis for FP32 and FP64, a list of elements for BYTES."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Elements

    def __post_init__(self) -> None:
        if len(self.shape) > MAX_AXES:  # the product of a million sizes takes hours
            raise invalid(f"The shape of {self.name[:64]!r} has more than {MAX_AXES} axes.")
        if any(size < 0 for size in self.shape) or math.prod(self.shape) != len(self.data):
            raise invalid(
                f"The shape {list(self.shape)} of {self.name[:64]!r} does not fit its {len(self.data)} elements."
            )


def from_raw(name: str, datatype: str, shape: Sequence[int], raw: bytes | memoryview) -> Tensor:
    """A tensor from its bytes. Raises `invalid_request`."""
    if datatype == "BYTES":
        return Tensor(name, datatype, tuple(shape), _split(name, memoryview(raw)))
    dtype = np.dtype(_dtype(name, datatype))
    if len(raw) % dtype.itemsize:
        raise invalid(f"The bytes of {name[:64]!r} are not whole numbers of type {datatype}.")
    return Tensor(name, datatype, tuple(shape), np.frombuffer(raw, dtype))


def from_values(name: str, datatype: str, shape: Sequence[int], values: Sequence[Any]) -> Tensor:
    """A tensor from a list of numbers, flat or nested, or from elements. Raises `invalid_request`."""
    if datatype == "BYTES":
        _check_count(values)
        elements = [value.encode() if isinstance(value, str) else value for value in _flat(values)]
        if not all(isinstance(element, bytes) for element in elements):
            raise invalid(f"The elements of {name[:64]!r} are not strings.")
        return Tensor(name, datatype, tuple(shape), elements)
    try:
        if any(isinstance(value, str) for value in _flat(values)):  # NumPy would read numbers out of them
            raise TypeError
        numbers = np.asarray(values, dtype=_dtype(name, datatype)).reshape(-1)
    except (TypeError, ValueError, OverflowError):
        raise invalid(f"The data of {name[:64]!r} are not numbers in rows of one length.") from None
    return Tensor(name, datatype, tuple(shape), numbers)


def to_raw(tensor: Tensor) -> bytes:
    """The bytes of a tensor."""
    if isinstance(tensor.data, list):
        return b"".join(_LENGTH.pack(len(element)) + element for element in tensor.data)
    return np.ascontiguousarray(tensor.data, dtype=DTYPES[tensor.datatype]).tobytes()


def invalid(detail: str) -> SonotypeError:
    """The error for a request that does not follow the protocol."""
    return SonotypeError(Code.INVALID_REQUEST, detail)


def _dtype(name: str, datatype: str) -> str:
    if datatype not in DTYPES:
        raise invalid(f"The datatype of {name[:64]!r} is none of BYTES, FP32 and FP64.")
    return DTYPES[datatype]


def _split(name: str, raw: memoryview) -> list[bytes]:
    """Elements that begin with their length in four bytes."""
    elements, at = [], 0
    while at < len(raw):
        end = at + _LENGTH.size
        if end <= len(raw):
            end += _LENGTH.unpack_from(raw, at)[0]
        if end > len(raw):
            raise invalid(f"The bytes of {name[:64]!r} end within an element.")
        elements.append(bytes(raw[at + _LENGTH.size : end]))
        _check_count(elements)
        at = end
    return elements


def _check_count(elements: Sequence[Any]) -> None:
    """Each is an item, and an upload holds millions of empty ones."""
    if len(elements) > MAX_ITEMS:
        raise invalid(f"A request has 1 to {MAX_ITEMS} items.")


def _flat(values: Any) -> list[Any]:
    """Elements of lists in lists, at most as deep as anybody nests audio."""
    for _ in range(4):
        if not any(isinstance(value, list) for value in values):
            break
        values = [item for value in values for item in (value if isinstance(value, list) else [value])]
    return list(values)
