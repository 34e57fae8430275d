"""Say how far the fit of a tagger is, while it is made."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sonotype.cli.document import Document
from sonotype.cli.errors import stderr
from sonotype.cli.tagger_calls import TaggerCalls
from sonotype.core.errors import SonotypeError

_LOOK_S = 1.0


async def create_told(calls: TaggerCalls, body: Document, csv: bytes | None) -> Document:
    """Fit a tagger; on a terminal one line says what is done. Raises `SonotypeError` as the call."""
    task = asyncio.create_task(calls.create(body, csv))
    try:
        with stderr.status("reading the tracks …") as shown:
            while not (await asyncio.wait({task}, timeout=_LOOK_S))[0]:
                with suppress(SonotypeError):  # whatever is wrong, the call itself says it
                    shown.update(_stage(await calls.all(), body["name"]))
        return await task
    finally:
        task.cancel()


def _stage(document: Document, name: str) -> str:
    for one in document["fitting"]:
        if one["name"] == name:
            doing = "fitting" if one["phase"] == "fitting" else "reading"
            return f"{doing} {one['tracks']} tracks …"
    return "sending …"
