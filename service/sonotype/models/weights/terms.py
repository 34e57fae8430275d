"""Licences that must be accepted before a byte of a weight is fetched: those that forbid commercial use."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card_parts import LicenceSpec

Manner = Literal["flag", "setting", "prompt"]


class Acceptance(BaseModel):
    """Who accepted which licence, when and how; kept with the weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spdx: str
    manner: Manner
    by: str
    at: str


def terms(licence: LicenceSpec) -> list[str]:
    """What whoever pulls must be told."""
    use = "commercial use allowed" if licence.commercial else "not for commercial use"
    return [f"licence: {licence.spdx}, {use}", f"holder:  {licence.holder}", f"terms:   {licence.url or 'none given'}"]


def is_accepted(licence: LicenceSpec, settings: Sequence[str]) -> bool:
    """Whether a licence is among the SPDX names that a deployment accepts; case does not matter, as SPDX has it."""
    return licence.spdx.casefold() in {spdx.casefold() for spdx in settings}


def accept(
    name: str,
    licence: LicenceSpec,
    *,
    flag: bool,
    settings: Sequence[str],
    ask: Callable[[], bool] | None = None,
) -> Acceptance | None:
    """Have the licence of a model accepted; None where there is nothing to accept.

    Args:
        name: of the model, for the message.
        licence: of its weights.
        flag: whether the command said so.
        settings: SPDX names that the deployment accepts.
        ask: asks a person at a terminal, where there is one.

    Raises:
        SonotypeError: `licence_not_accepted`.
    """
    if licence.commercial:
        return None
    manner: Manner | None = "flag" if flag else None
    if manner is None and is_accepted(licence, settings):
        manner = "setting"
    if manner is None and ask is not None and ask():
        manner = "prompt"
    if manner is None:
        how = f"--accept-license or SONOTYPE_ACCEPT_LICENSE={licence.spdx}"
        detail = f"{name} is under {licence.spdx}, not for commercial use: accept it with {how}."
        raise SonotypeError(Code.LICENCE_NOT_ACCEPTED, detail)
    return Acceptance(spdx=licence.spdx, manner=manner, by=_user(), at=datetime.now(UTC).isoformat(timespec="seconds"))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"
