"""What a list says of a file, kept with it until its turn comes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sonotype.catalog.jobs.job import FileState
from sonotype.catalog.jobs.rows import Listed, Pending
from sonotype.core.errors import Code
from sonotype.plane.catalog.ingest.names import shown
from sonotype.plane.catalog.ingest.rooted import PassedOverError, parts_of

Fields = Mapping[str, Any]
_MAX_SHOWN = 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to ingest.

    Attributes:
        path: below the root, as the system spells it.
        id: of the track, where the list gives one.
        given: fields of the metadata that the list gives; they beat the file's own tags.
        fallback: fields that the file's own tags beat.
        track: for a job that embeds again: the track's id.
        content_sha256: for the same: what the file must hold (hex).
    """

    path: str
    id: str | None = None
    given: Fields = field(default_factory=dict)
    fallback: Fields = field(default_factory=dict)
    track: str | None = None
    content_sha256: str | None = None

    def listed(self, number: int) -> Listed:
        """This entry at a position of its list, from 0."""
        facts = {name: value for name in self.__slots__ if (value := getattr(self, name))}
        return Listed(position(number), shown(self.path), json.dumps(facts, ensure_ascii=False))


def entry_of(pending: Pending) -> Entry:
    """The entry of a file whose turn has come; one of a walk is nothing but its place."""
    if not pending.entry:
        return Entry(os.fsdecode(pending.place.replace(b"\0", b"/")))
    return Entry(**json.loads(pending.entry))


def refused(number: int, path: str, error: PassedOverError) -> Listed:
    """A line of a list that stands for no file one may read."""
    return Listed(position(number), shown(path[:_MAX_SHOWN]), state=error.state, detail=error.detail, code=error.code)


def position(number: int) -> bytes:
    """A key that keeps the order of a list."""
    return number.to_bytes(8, "big")


def below(root_path: str, base: str, written: str) -> str:
    """The path below the root that a list in the folder `base` means by `written`.

    Raises:
        PassedOverError: it is empty, not text, or leads out of the root.
    """
    if not written or "\ufffd" in written or any("\ud800" <= c <= "\udfff" for c in written):
        raise PassedOverError(FileState.FAILED, "This is not a path.", Code.INVALID_REQUEST)
    if written.startswith("/"):
        inside = f"{root_path.rstrip('/')}/"
        if not written.startswith(inside):
            raise PassedOverError(FileState.FAILED, "The path leads out of the root.", Code.FORBIDDEN)
        return "/".join(parts_of(written[len(inside) :]))
    return "/".join(parts_of(f"{base}/{written}" if base else written))
