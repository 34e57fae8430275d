"""What clients asked of a catalogue and what it acknowledged; so what may and what must be in it after a crash."""

from __future__ import annotations

import random
import threading
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import tone

ABSENT = 0


@dataclass
class Entry:
    """A track in the course of time; only one client at a time touches it.

    Attributes:
        name: unique over the whole run.
        may: versions that may be stored; one alone must be. `ABSENT` is none.
        id: in the catalogue; None where the service makes it and has not told it yet.
        last: the newest version that was ever asked for.
        uploads: versions that were sent as audio.
        keys: idempotency keys of versions.
        deleting: the last that was asked for is its end.
    """

    name: str
    id: str | None
    may: set[int] = field(default_factory=lambda: {ABSENT})
    last: int = 0
    uploads: set[int] = field(default_factory=set)
    keys: dict[int, str] = field(default_factory=dict)
    deleting: bool = False

    @property
    def settled(self) -> int | None:
        """The version that must be stored; None while that is open."""
        return next(iter(self.may)) if len(self.may) == 1 else None

    def title(self, version: int) -> str:
        return f"{self.name}#{version}"

    def vector(self, version: int, dim: int) -> NDArray[np.float32]:
        """Of unit length, and of this version alone; six digits are what goes over the wire."""
        random_ = np.random.default_rng(zlib.crc32(self.title(version).encode()))
        vector = random_.standard_normal(dim)
        return np.round(vector / np.linalg.norm(vector), 6).astype(np.float32)

    def audio(self, version: int) -> bytes:
        return tone(0.3, zlib.crc32(self.title(version).encode()))

    def body(self, version: int, dim: int) -> dict[str, Any]:
        """Of a request that stores the version by its embedding."""
        metadata = {"title": self.title(version), "artist": f"Artist {zlib.crc32(self.name.encode()) % 50}"}
        return {"metadata": metadata, "embedding": [float(x) for x in self.vector(version, dim)]}


class History:
    """All entries of a run, and what went wrong. Thread-safe where clients need it.

    Attributes:
        entries: by name.
        recent: entries that were stored or deleted last.
        violations: what must not be.
        counts: of acknowledged, refused and lost operations by kind.
    """

    def __init__(self, recent: int) -> None:
        self.entries: dict[str, Entry] = {}
        self.recent: deque[Entry] = deque(maxlen=recent)
        self.violations: list[str] = []
        self.counts: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def done(self) -> int:
        """Operations that ended one way or another."""
        return sum(self.counts.get(kind, 0) for kind in ("put", "post", "upload", "replace", "delete", "lost"))

    @property
    def ingests(self) -> int:
        """Acknowledged ones."""
        return sum(self.counts.get(kind, 0) for kind in ("put", "post", "upload", "replace"))

    def begin(self, name: str, own_id: bool) -> Entry:
        with self._lock:
            entry = self.entries[name] = Entry(name, name if own_id else None)
        return entry

    def acknowledge(self, entry: Entry, version: int, kind: str) -> None:
        with self._lock:
            entry.may = {version}
            self.recent.append(entry)
            self.counts[kind] = self.counts.get(kind, 0) + 1

    def count(self, kind: str) -> None:
        with self._lock:
            self.counts[kind] = self.counts.get(kind, 0) + 1

    def violate(self, what: str) -> None:
        with self._lock:
            self.violations.append(what)

    def live(self) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.settled not in (None, ABSENT)]

    def gone(self) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.settled == ABSENT and entry.id and entry.last]

    def settle(self, tracks: list[dict[str, Any]]) -> None:
        """Compare with all tracks of the catalogue; what was open is what is there."""
        seen: dict[str, int] = {}
        ids = [track["id"] for track in tracks]
        if len(set(ids)) != len(ids):
            self.violate(f"listed twice: {sorted({one for one in ids if ids.count(one) > 1})[:5]}")
        for track in tracks:
            name, _, version = track["metadata"]["title"].partition("#")
            entry = self.entries.get(name)
            if entry is None or name in seen:
                self.violate(f"{'twice' if entry else 'never asked for'}: {track['id']} {track['metadata']['title']}")
                continue
            if entry.id is not None and entry.id != track["id"]:
                self.violate(f"{name} is {track['id']} instead of {entry.id}")
            if not track["generations"]:
                self.violate(f"{name} has no vector")
            entry.id, seen[name] = track["id"], int(version)
        for entry in self.entries.values():
            found = seen.get(entry.name, ABSENT)
            if found not in entry.may:
                self.violate(f"{entry.name} is at version {found} and may be at {sorted(entry.may)}")
            entry.may = {found}

    def sample(self, chance: random.Random, count: int) -> tuple[list[Entry], list[Entry]]:
        """The most recent entries and `count` others: those that must be found, and those that must not."""
        live, gone = self.live(), self.gone()
        chosen = {e.name: e for e in [*self.recent, *chance.sample(live, min(count, len(live)))]}
        chosen |= {e.name: e for e in chance.sample(gone, min(count // 2, len(gone)))}
        return (
            [e for e in chosen.values() if e.settled != ABSENT],
            [e for e in chosen.values() if e.settled == ABSENT],
        )
