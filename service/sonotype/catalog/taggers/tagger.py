"""One tagger: its set, its log and its versions. What is asked of it waits for what is being changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sonotype.catalog.taggers import folder as files
from sonotype.catalog.taggers.answering import Answering, Heard
from sonotype.catalog.taggers.deciding import Decider
from sonotype.catalog.taggers.history import History
from sonotype.catalog.taggers.log import ChangeLog
from sonotype.catalog.taggers.taught import TaughtSet
from sonotype.catalog.taggers.values import Base, Change, Said
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats


@dataclass(frozen=True, slots=True)
class Correction:
    """What somebody says of a track.

    Attributes:
        track: its id.
        label: one of the tagger's.
        positive: it is, or is not.
        vector: of the track, of unit length; None where the tagger knows the track.
        event: the client's own id of this correction; sent again it changes nothing.
        client: who says so.
    """

    track: str
    label: str
    positive: bool
    vector: Floats | None = None
    event: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change; durable when this is returned.

    Attributes:
        change: it.
        prototypes: there are now.
        replayed: nothing was done, because the same event had been taken before.
    """

    change: Change
    prototypes: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """How a tagger stands: sizes, its newest version, and how many corrections count in it."""

    version: int
    tracks: int
    prototypes: int
    corrections: int


class Tagger:
    """A tagger that is open. Its methods may be called from any thread.

    Args:
        folder: of its files.
        now: the time, UTC.

    Raises:
        DamagedFolderError: the files are not what was written; likewise `DamagedLogError`.
        OSError: they cannot be read.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now, self._lock = now, threading.RLock()
        self.about, self._base = files.read(folder)
        self._log = ChangeLog(folder / files.LOG)
        self.history = History(self._log.read())
        self._load()
        self._note()

    def close(self) -> None:
        """Close the log."""
        with self._lock:
            self._log.close()

    def facts(self) -> Facts:
        """How it stands; waits for nothing, so that models can be listed while a version is gone back to."""
        return self._facts

    def knows(self, track: str) -> bool:
        """Whether it holds the vector of a track."""
        with self._lock:
            return track in self.taught.number

    def answer(self, track: str | None, vector: Floats | None) -> Heard:
        """Scores and reasons for a track that it knows, or for a vector of unit length."""
        with self._lock:
            if vector is None:
                assert track is not None  # noqa: S101 - one of both is given
                vector = self.taught.vectors.values[self.taught.number[track]]
            return self._answering.hear(vector)

    def hear(self, vector: Floats) -> tuple[Heard, int]:
        """Scores and reasons for a vector of unit length, and the version that gave them."""
        with self._lock:
            return self._answering.hear(vector), self.history.current

    def correct(self, correction: Correction) -> Outcome:
        """Learn from a correction.

        Raises:
            SonotypeError: `idempotency_mismatch` where the event's id was used for another one; `insufficient_storage`
                and `unavailable` where it cannot be written down: then nothing is changed.
        """
        with self._lock:
            known = self._known(correction)
            if known is not None:
                return Outcome(known, len(self.taught), replayed=True)
            return self._keep(self._apply(correction))

    def undo(self, version: int | None = None, client: str | None = None) -> Outcome:
        """Take the last correction that counts back.

        Args:
            version: which one it must be, so that a repeated call takes nothing else back.
            client: who asks.

        Raises:
            SonotypeError: `conflict` where there is none, or it is another one.
        """
        with self._lock:
            target, last = self.history.before_last()
            if version not in (None, last.version):
                raise SonotypeError(Code.CONFLICT, f"The last correction made version {last.version}, not {version}.")
            return self._return("undo", target, client)

    def rollback(self, version: int, client: str | None = None) -> Outcome:
        """Go back, or forth, to the state of a version. Raises `not_found`."""
        with self._lock:
            self.history.check(version)
            return self._return("rollback", version, client)

    def snapshot(self) -> tuple[tuple[str, ...], Floats, Said]:
        """Ids, vectors and what is known of the labels of all its tracks: copies, to be worked on elsewhere."""
        with self._lock:
            taught = self.taught
            return tuple(taught.ids), taught.vectors.values.copy(), taught.said.values.copy()

    def _known(self, correction: Correction) -> Change | None:
        change = self.history.events.get(correction.event) if correction.event is not None else None
        if change is None:
            return None
        said = (correction.track, self.about.labels.index(correction.label), correction.positive)
        if (change.track, change.label, change.positive) != said:
            raise SonotypeError(Code.IDEMPOTENCY_MISMATCH, "This event id was used for another correction.")
        return change

    def _apply(self, correction: Correction) -> Change:
        """Change the set; not acknowledged before it is written down."""
        taught, label, part = self.taught, self.about.labels.index(correction.label), None
        vector = None if correction.track in taught.number else correction.vector
        if vector is not None:
            part = int(taught.nearest(vector)[0])
            taught.join(correction.track, vector, part)
        taught.judge(correction.track, label, positive=correction.positive)
        split, merge = self._decider.decide(taught.part_of[taught.number[correction.track]])
        return Change(
            version=self.history.current + 1,
            kind="feedback",
            at=self._now(),
            client=correction.client,
            event=correction.event,
            track=correction.track,
            label=label,
            positive=correction.positive,
            part=part,
            vector=vector,
            split=split,
            merge=merge,
        )

    def _keep(self, change: Change) -> Outcome:
        try:
            self._log.append(change)
        except SonotypeError:
            self._load()
            raise
        self.history.add(change)
        self._answering.forget()
        self._note()
        return Outcome(change, len(self.taught))

    def _return(self, kind: str, target: int, client: str | None) -> Outcome:
        change = Change(self.history.current + 1, "rollback", self._now(), client, target=target)
        change = replace(change, kind="undo") if kind == "undo" else change
        self._log.append(change)
        self.history.add(change)
        self._load()
        self._note()
        return Outcome(change, len(self.taught))

    def _note(self) -> None:
        self._facts = Facts(self.history.current, len(self.taught.ids), len(self.taught), self.history.length)

    def _load(self) -> None:
        """The set of the current version: the fitted one with every correction that counts."""
        self.taught = restored(self._base, self.history.chain())
        self._decider = Decider(self.taught, self.about.budget)
        self._answering = Answering(self.taught, self.about.k)


def restored(base: Base, changes: list[Change]) -> TaughtSet:
    """A fitted set after some corrections."""
    taught = TaughtSet(base)
    for change in changes:
        taught.replay(change)
    return taught
