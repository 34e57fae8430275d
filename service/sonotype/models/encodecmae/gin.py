"""The few facts that the configuration files beside published checkpoints hold, read as text: no gin, no code."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from sonotype.core.errors import Code, SonotypeError

_MACRO = re.compile(r"^([A-Z][A-Z0-9_]*)[ \t]*=[ \t]*(.+?)[ \t]*(?:#.*)?$", re.MULTILINE)
_LONGEST = 1 << 20


def macros(text: str) -> dict[str, object]:
    """Every line `KEY = literal`; whatever else gin understands is passed over, references as plain names.

    Raises:
        SonotypeError: `invalid_request` for a text that cannot be such a file.
    """
    if len(text) > _LONGEST or "\0" in text:
        raise SonotypeError(Code.INVALID_REQUEST, "This is not a gin configuration file.")
    return {name: _literal(value) for name, value in _MACRO.findall(text)}


def whole(values: Mapping[str, object], name: str, default: int | None = None) -> int:
    """A positive whole number.

    Raises:
        SonotypeError: `invalid_request` where it is missing without a default, or is something else.
    """
    value = values.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SonotypeError(Code.INVALID_REQUEST, f"The configuration must give {name} as a positive whole number.")
    return value


def seconds(values: Mapping[str, object]) -> float | None:
    """MAX_AUDIO_DURATION, the length of a segment in seconds; None where the file does not say."""
    value = values.get("MAX_AUDIO_DURATION")
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 60:
        return float(value)
    if value is not None:
        raise SonotypeError(Code.INVALID_REQUEST, "MAX_AUDIO_DURATION must lie between 0 and 60 seconds.")
    return None


def sampler(values: Mapping[str, object]) -> str | None:
    """META_MODEL, the name of the class that the authors' library wraps around the model."""
    value = values.get("META_MODEL")
    return None if value is None else str(value).rpartition(".")[2]


def _literal(value: str) -> object:
    """A Python literal; gin's references `@name()` and `%name` become the name."""
    try:
        parsed: object = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value.lstrip("@%").removesuffix("()")
    return parsed
