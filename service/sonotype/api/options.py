"""What the options of requests have in common: unknown names, NaN and Infinity are refused on every face."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from sonotype.api.params import say_errors
from sonotype.core.errors import Code, SonotypeError

P = TypeVar("P", bound=BaseModel)


class Options(BaseModel):
    """Options of which every name is known."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def parse_options(kind: type[P], values: Any) -> P:
    """Validate options that did not come through FastAPI.

    Raises:
        SonotypeError: `invalid_request`, naming what is wrong.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise SonotypeError(Code.INVALID_REQUEST, say_errors(error.errors(include_input=False))) from None
