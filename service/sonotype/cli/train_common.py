"""What the trainings of heads have in common: names, packages, embeddings."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import NAME_PATTERN, Card

if TYPE_CHECKING:
    from rich.progress import Progress

    from sonotype.training.data.dataset import Example
    from sonotype.training.embed import Embedded

CACHE = platformdirs.user_cache_path("sonotype") / "embeddings"


class Output(StrEnum):
    """What is printed to stdout at the end."""

    TABLE = "table"
    JSON = "json"


def check_packages() -> None:
    """Say what to install where the packages of training are missing."""
    if importlib.util.find_spec("sklearn") is None or importlib.util.find_spec("tomli_w") is None:
        raise SonotypeError(Code.INVALID_REQUEST, "Training needs more packages: pip install 'sonotype[train]'.")


def named(name: str) -> str:
    """The name, if it can be one. Raises `invalid_request`: better before an hour of work than after it."""
    if not NAME_PATTERN.fullmatch(name):
        raise SonotypeError(Code.INVALID_REQUEST, f"{name[:70]!r} is no name: lower-case letters, digits, hyphens.")
    return name


def at_hop(card: Card, hop_s: float | None) -> Card:
    """The card with the hop between patches that was asked for."""
    if hop_s is None:
        return card
    frontend = card.frontends[card.default_frontend]
    frames = max(1, round(hop_s * frontend.sample_rate_hz / frontend.hop_length))
    return card.model_copy(update={"patch": card.patch.model_copy(update={"hop_frames": frames})})


def embed_all(
    examples: Sequence[Example],
    card: Card,
    embedding: str,
    weights: Path | None,
    cache: Path | None,
    threads: int,
    bars: Progress,
) -> Embedded:
    """Embed every file, with a bar."""
    from sonotype.evaluation.embedding import Embedder  # noqa: PLC0415 (brings torch)
    from sonotype.training.embed import embed  # noqa: PLC0415

    task = bars.add_task("embedding", total=len(examples))
    return embed(
        examples,
        lambda: Embedder(card, weights, embedding, precision="fp32"),
        cache=None if cache is None else cache.expanduser(),
        threads=threads,
        progress=lambda done, total: bars.update(task, completed=done),
    )
