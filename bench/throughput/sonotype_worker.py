"""One contender: our path from file to tags, with the service's own decoder pool, patcher and runtime.

Reads a path per line, answers a line of JSON with the mean tags and the wall time of front end and network.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from sonotype.audio.pool import DecodeLimits, DecoderPool
from sonotype.core.settings import Settings
from sonotype.core.types import Upload, Window
from sonotype.models.patches import Patcher
from sonotype.models.registry import Registry
from sonotype.models.runtime import Runtime, load

_BATCH = 16
_LONG_S = 4 * 3600.0


class Means:
    """Runs windows in batches and keeps nothing but sums, so that memory does not grow with the clip."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._waiting: list[Window] = []
        self._rows = 0
        self._sum = np.zeros(len(runtime.card.labels))
        self.seconds = {"frontend": 0.0, "network": 0.0}

    def add(self, windows: list[Window], *, last: bool = False) -> None:
        """Queue windows; run full batches, and the rest after the last one."""
        self._waiting += windows
        while self._waiting and (last or len(self._waiting) >= _BATCH):
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            self._run(batch)

    def _run(self, batch: list[Window]) -> None:
        samples = np.stack([window.samples for window in batch])
        valid = np.array([window.valid_frames for window in batch], dtype=np.int64)
        card = self._runtime.card
        out = self._runtime.run(samples, valid, batch[0].fill, card.default_frontend)
        self._sum += out.arrays["tags"].sum(axis=0)
        self._rows += len(batch)
        for step, seconds in out.seconds.items():
            self.seconds[step] += seconds

    def tags(self) -> list[float]:
        """Mean activation of each label."""
        return [float(value) for value in self._sum / max(1, self._rows)]


async def analyse(pool: DecoderPool, runtime: Runtime, path: Path) -> dict[str, Any]:
    """Decode, cut, run and average one file."""
    card = runtime.card
    spec = card.frontends[card.default_frontend]
    patcher, means = Patcher(spec, card.patch), Means(runtime)
    upload = Upload.of(path.read_bytes())  # noqa: ASYNC240  (nothing else waits in this process)
    async with pool.decode(upload, rate_hz=spec.sample_rate_hz) as stream:
        async for chunk in stream:
            means.add(patcher.feed(chunk))
    means.add(patcher.finish(), last=True)
    return {"tags": means.tags(), "seconds": means.seconds}


async def main(model: str, precision: Any, engine: Any) -> None:
    """Answer until the input ends."""
    registry = Registry([], Settings().weights_dir)
    card = registry.get(model)
    runtime = load(card, registry.weights_path(card), "cpu", precision, threads=1, engine=engine)
    pool = DecoderPool(1, DecodeLimits(max_clip_s=_LONG_S, files_per_child=10**6))
    await pool.start()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answer = await analyse(pool, runtime, Path(line.strip()))
        answer["precision"] = runtime.precision
        if not all(math.isfinite(tag) for tag in answer["tags"]):
            raise ValueError("tags are not finite")
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    await pool.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3]))
