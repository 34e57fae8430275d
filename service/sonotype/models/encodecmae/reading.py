"""Checkpoints as plain tensors, without running anything that the file asks for."""

from __future__ import annotations

import pickle
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from sonotype.core.errors import Code, SonotypeError

# what torch's reader is known to raise on files that are cut short or altered
_DAMAGED = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)
_NEEDS_CODE = ("Unsupported global", "Unsupported operand", "Unsupported class", "Trying to", "not allowed")


def read(path: Path) -> dict[str, object]:
    """Read a file that `torch.save` wrote: a dictionary of plain values and tensors.

    Raises:
        SonotypeError: `not_found`, or `weights_corrupt` for a file that is damaged, that is something else, or that
            could only be read by running code that it names.
    """
    if _is_packed(path):
        raise corrupt(f"{path.name!r} is compressed, which torch.save never does: it could unpack to any size.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch remarks about odd files, a refusal says better
            value = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise SonotypeError(Code.NOT_FOUND, f"There is no file {path.name!r}.") from None
    except OSError as error:
        raise SonotypeError(Code.NOT_FOUND, f"{path.name!r} cannot be read: {error.strerror}.") from error
    except _DAMAGED as error:
        raise corrupt(f"{path.name!r} {_reason(error)}") from error
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise corrupt(f"{path.name!r} is no dictionary of tensors.")
    return dict(value)


def state_of(content: Mapping[str, object], name: str) -> dict[str, Tensor]:
    """The state dict inside a checkpoint, or the content itself where it is one.

    Args:
        content: what `read` returned.
        name: of the file, for messages.

    Raises:
        SonotypeError: `weights_corrupt` for anything that is not a dense tensor of numbers in memory of its own.
    """
    state = content.get("state_dict", content)
    if not isinstance(state, dict) or not state:
        raise corrupt(f"{name!r} holds no state_dict.")
    for key, value in state.items():
        if not isinstance(key, str) or not _is_plain(value):
            raise corrupt(f"{name!r} holds something that is no plain tensor at {str(key)[:80]!r}.")
    return dict(state)


def corrupt(detail: str) -> SonotypeError:
    """The error for a checkpoint that is not what it should be."""
    return SonotypeError(Code.WEIGHTS_CORRUPT, detail)


def _is_packed(path: Path) -> bool:
    """Whether it is a zip with compressed members; for what is no zip, torch has better words."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist())
    except (OSError, *_DAMAGED):
        return False


def _is_plain(value: object) -> bool:
    """Whether it is an ordinary tensor; one that claims more numbers than it stores would fill the memory."""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_quantized or value.is_complex():
        return False
    if value.device.type != "cpu":
        return False
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()


def _reason(error: BaseException) -> str:
    if isinstance(error, pickle.UnpicklingError) and any(sign in str(error) for sign in _NEEDS_CODE):
        return "could only be read by running code that it names, which is never done."
    return "is damaged, or no file that torch.save wrote."
