"""A process that puts and deletes until it is killed; tells on stdout what was acknowledged.

Lines: `? op id seed` before an operation, `! op id seed` when it is durable. Its arguments: folder, round.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from pathlib import Path

import structlog
from conformance import draft
from embedded_kit import opened

from sonotype.catalog.embedded.catalog import EmbeddedCatalog


async def main(folder: Path, round_: int) -> None:
    """Four lanes at once, each with ids of its own."""
    catalog = await opened(folder)
    print("open", flush=True)
    await asyncio.gather(*(work(catalog, round_, lane) for lane in range(4)))


async def work(catalog: EmbeddedCatalog, round_: int, lane: int) -> None:
    """Put, replace and delete at random for ever."""
    chance = random.Random(f"{round_} {lane}")
    mine: list[str] = []
    for number in range(10**6):
        seed = round_ * 10**6 + lane * 10**5 + number
        if mine and chance.random() < 0.3:
            id_ = mine.pop(chance.randrange(len(mine)))
            say("?", "delete", id_, seed)
            await catalog.delete(id_)
            say("!", "delete", id_, seed)
            continue
        id_ = chance.choice(mine) if mine and chance.random() < 0.2 else f"r{round_}-{lane}-{number}"
        mine += [id_] if id_ not in mine else []
        say("?", "put", id_, seed)
        await catalog.put(draft(seed, id_, tags=(f"seed{seed}",)))
        say("!", "put", id_, seed)


def say(*words: object) -> None:
    """A whole line at once, so that being killed leaves no half."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
