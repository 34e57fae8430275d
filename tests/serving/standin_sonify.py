"""A sonification process whose decoder misbehaves on command: the seed of an order says how."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.sonify.fake import FakeSonifier
from sonotype.serving.sonify import child

FLAKY = Path("/flaky")  # fails to load once, and loads slowly then
DIE, HANG, RAISE, NAN, SHORT, ENDLESS = 101, 102, 103, 104, 105, 106


class Misbehaving(FakeSonifier):
    def stream(self, embedding: Floats, *, seed: int, **how: Any) -> Iterator[Floats]:
        blocks = super().stream(embedding, seed=seed, **how)
        yield next(blocks)
        if seed == DIE:
            os._exit(9)
        if seed == HANG:
            time.sleep(3600)
        if seed == RAISE:
            raise RuntimeError("told to fail")
        if seed == NAN:
            yield np.full(10, np.nan, np.float32)
        while seed == ENDLESS:
            yield np.zeros(8192, np.float32)
        if seed != SHORT:
            yield from blocks


_loads: list[str] = []


def load(folder: Any, card: Any, threads: int) -> Misbehaving:
    if folder == FLAKY:
        _loads.append(card.name)
        if len(_loads) == 1:
            raise SonotypeError(Code.WEIGHTS_MISSING, "Not there yet.")
        time.sleep(0.8)
    return Misbehaving(card.decoder)


if __name__ == "__main__":
    child.load = load  # type: ignore[assignment]
    child.main()
