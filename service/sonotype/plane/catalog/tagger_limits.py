"""Every bound of taggers, so that REST, gRPC and the command line refuse the same with the same words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import get_args

from sonotype.models.multilabel.methods import Method
from sonotype.plane.catalog.limits import check_number, check_texts, invalid

MAX_TAGGERS = 64
MAX_NAME = 64
MIN_TRACKS, MAX_TRACKS = 2, 50_000
MAX_PAIRWISE = 8000  # tracks for methods that compare every two of them
MAX_LABELS, MAX_LABEL = 256, 64
MAX_NUMBERS = 2**28  # tracks times dimensions: 1 GiB
MAX_BUDGET = 10_000
MAX_K = 64
MAX_TAGGED = 200
MAX_EVENT = 128
MAX_VERSIONS = 200
MAX_CSV_BYTES = 16 * 2**20
MAX_REPORTED = 4000  # tracks that the curve of a report is drawn from
MAX_DOUBTS = 1000

DEFAULT_BUDGET = 0.05
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_EVENT = re.compile(r"[\x21-\x7e]+")
_PAIRWISE = frozenset({"mchen", "mrsp1", "mrsp2", "mrsp3"})


def check_name(name: str) -> None:
    """The name of a tagger. Raises `invalid_request`."""
    if len(name) > MAX_NAME or not NAME.fullmatch(name):
        raise invalid(f"The name of a tagger has 1 to {MAX_NAME} characters: small letters, digits, _ and -")


def check_fit(method: str, budget: float, k: int | None) -> None:
    """How a tagger is to be fitted. Raises `invalid_request`."""
    if method not in get_args(Method):
        raise invalid(f"method must be one of {', '.join(get_args(Method))}.")
    if not 0 < budget <= MAX_BUDGET:  # which NaN is not
        raise invalid(
            f"budget must lie above 0 and be at most {MAX_BUDGET}: a share below 1, or a number of prototypes."
        )
    if k is not None:
        check_number(k, 1, MAX_K, "k")


def check_labels(labels: Sequence[str]) -> None:
    """The labels of a tagger. Raises `invalid_request`."""
    check_texts(labels, MAX_LABELS, MAX_LABEL, "labels of a tagger")
    if not labels:
        raise invalid("A tagger needs at least one label that a track carries.")


def check_size(tracks: int, dim: int, method: str) -> None:
    """How many tracks a tagger may be fitted to. Raises `invalid_request`."""
    most = min(MAX_PAIRWISE if method in _PAIRWISE else MAX_TRACKS, MAX_NUMBERS // max(dim, 1))
    if not MIN_TRACKS <= tracks <= most:
        raise invalid(f"A tagger by {method} is fitted to {MIN_TRACKS} to {most} labelled tracks, not {tracks}.")


def check_event(event: str | None) -> None:
    """A client's own id of a correction. Raises `invalid_request`."""
    if event is not None and (len(event) > MAX_EVENT or not _EVENT.fullmatch(event)):
        raise invalid(f"An event id has 1 to {MAX_EVENT} printable ASCII characters without spaces.")
