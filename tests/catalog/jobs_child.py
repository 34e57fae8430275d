"""Runs the one job of a folder to its end: `python jobs_child.py FOLDER ROOT DELAY_S`. The tests kill it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from jobs_kit import FakeTarget, runner

from sonotype.catalog.jobs.store import JobStore


async def main(folder: Path, root: Path, delay_s: float) -> None:
    store = JobStore(folder / "jobs")
    (job,) = await store.unended()
    await runner(store, FakeTarget(folder / "stored.jsonl", delay_s), root).run(job.id)
    await store.aclose()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
