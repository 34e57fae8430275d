"""A loader for worker processes in tests: it tells what it was asked for, by failing."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card


def load(
    card: Card, weights: Path | None, device: str, precision: str, threads: int, *, engine: str = "auto"
) -> NoReturn:
    raise SonotypeError(Code.INVALID_REQUEST, f"asked for {engine} {precision} on {device}")
