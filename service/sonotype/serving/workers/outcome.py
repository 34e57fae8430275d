"""What can become of a batch that was handed to a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sonotype.core.types import Floats

DeathReason = Literal["crash", "hang", "cuda", "stopped"]


@dataclass(frozen=True, slots=True)
class Done:
    """It ran.

    Attributes:
        outputs: name to rows, shape [rows, *shape]; views of shared memory, valid only inside the callback.
        seconds: time inside the worker by step, `frontend` and `network`.
        bad_rows: rows whose outputs are not finite.
    """

    outputs: Mapping[str, Floats]
    seconds: Mapping[str, float]
    bad_rows: frozenset[int]


@dataclass(frozen=True, slots=True)
class Raised:
    """It raised in the worker, which goes on; `oom` says that memory was the reason."""

    oom: bool
    error: str


@dataclass(frozen=True, slots=True)
class Died:
    """The worker died before it answered; `started` says whether this was the batch it was running."""

    started: bool
    why: DeathReason


Outcome = Done | Raised | Died
