"""What `port.Catalog.carriers` asks for, the same for every engine."""

from __future__ import annotations

from typing import Literal

from sonotype.core.errors import Code, SonotypeError

Carried = Literal["tag", "label", "prototype"]


def the_one_named(tag: str | None, label: str | None, prototype: str | None) -> tuple[Carried, str]:
    """Which of the three is named, and its name. Raises `invalid_request` where it is none or more than one."""
    given: tuple[tuple[Carried, str | None], ...] = (("tag", tag), ("label", label), ("prototype", prototype))
    named = [(what, name) for what, name in given if name is not None]
    if len(named) != 1:
        raise SonotypeError(Code.INVALID_REQUEST, "Name one of a tag, a label and a prototype.")
    return named[0]
