"""One of several processes that want the same five values at the same moment; prints what it got."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from sonotype.core.settings import Settings
from sonotype.serving.cache import SingleFlight, open_store
from sonotype.serving.cache.tiered import TieredStore


async def compute(store: TieredStore, key: str, log: Path) -> bytes:
    with log.open("a") as file:
        file.write(f"{key}\n")
    await asyncio.sleep(0.3)
    value = f"{key}-by-{os.getpid()}".encode()
    await store.put(key, value, 60)
    return value


async def meet(folder: Path) -> None:
    """Wait until both processes are here."""
    (folder / f"here-{os.getpid()}").touch()
    deadline = time.monotonic() + 30
    while len(list(folder.glob("here-*"))) < 2 and time.monotonic() < deadline:
        await asyncio.sleep(0.005)


async def main(place: str, folder: Path) -> None:
    url = SecretStr(place) if place.startswith("redis:") else None
    store = open_store(Settings(data_dir=folder, redis_url=url))
    flights = SingleFlight(store)
    await meet(folder)
    for n in range(5):
        key = f"{folder.name}:{n}"
        value = await flights.run(key, partial(compute, store, key, folder / "computed"), partial(store.get, key))
        print(value.decode())
    await store.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
