"""Licences on the command line: shown, and accepted before anything is fetched."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from sonotype.cli.errors import stderr
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card_parts import LicenceSpec
from sonotype.models.weights.terms import Acceptance, accept, terms


def show_terms(name: str, licence: LicenceSpec) -> None:
    """Print the terms of a model's weights on stderr: stdout is for answers."""
    stderr.print(name, style="bold", highlight=False)
    for line in terms(licence):
        stderr.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)


def accepted(name: str, licence: LicenceSpec, settings: Settings, *, flag: bool) -> Acceptance | None:
    """Show the licence of a non-commercial weight and have it accepted: by the flag, the settings or a person.

    Raises:
        SonotypeError: `forbidden` in a commercial deployment, `licence_not_accepted`.
    """
    if licence.commercial:
        return None
    show_terms(name, licence)
    if settings.commercial:
        detail = f"{name} is under {licence.spdx}, not for commercial use, and this deployment is commercial."
        raise SonotypeError(Code.FORBIDDEN, detail)
    return accept(name, licence, flag=flag, settings=settings.accept_license, ask=_question(licence))


def _question(licence: LicenceSpec) -> Callable[[], bool] | None:
    """Asks whoever sits at the terminal; None where nobody does."""
    if not at_a_terminal():
        return None
    return lambda: typer.confirm(f"Do you accept {licence.spdx}?", default=False, err=True)


def at_a_terminal() -> bool:
    """Whether a question would reach a person."""
    return sys.stdin.isatty()
