"""One tagger: its set, its log and its versions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np

from sonotype.catalog.taggers import folder as files
from sonotype.catalog.taggers.answering import Answering, Heard
from sonotype.catalog.taggers.deciding import Bounds, Decider
from sonotype.catalog.taggers.history import History
from sonotype.catalog.taggers.log import ChangeLog
from sonotype.catalog.taggers.taught import TaughtSet
from sonotype.catalog.taggers.values import Base, Change, Correction, Facts, Outcome, Said
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats

__all__ = ["Correction", "Facts", "Outcome", "Tagger", "restored"]


class Tagger:
    """A tagger that is open. Its methods may be called from any thread.

    Changes wait for each other. Answers wait for a correction that is being written down, but not for undo and
    rollback, which build the set anew: until they are done the old one answers. `facts` and `knows` wait for nothing.

    Args:
        folder: of its files.
        now: the time, UTC.

    Raises:
        DamagedFolderError: the files are not what was written; likewise `DamagedLogError`.
        OSError: they cannot be read.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now, self._changing, self._asking = now, threading.Lock(), threading.Lock()
        self.about, self._base = files.read(folder)
        self._bounds = Bounds.of(TaughtSet(self._base))
        self._log = ChangeLog(folder / files.LOG)
        try:
            self.history = History(self._log.read())
            self._load()
        except BaseException:
            self._log.close()
            raise

    def close(self) -> None:
        """Close the log; changes are refused from then on."""
        with self._changing:
            self._log.close()

    def facts(self) -> Facts:
        """How it stands."""
        return self._facts

    def knows(self, track: str) -> bool:
        """Whether it holds the vector of a track."""
        return track in self.taught.number

    def answer(self, track: str | None, vector: Floats | None) -> Heard:
        """Scores and reasons for a track that it knows, or for a vector of unit length.

        Raises:
            SonotypeError: `conflict` for a track that it does not know, or not any more; `invalid_request` for a
                vector of another length, or one that is not finite.
        """
        with self._asking:
            if vector is None:
                number = None if track is None else self.taught.number.get(track)
                if number is None:
                    raise _unknown(track)
                vector = self.taught.vectors.values[number]
            return self._answering.hear(self._checked(vector))

    def hear(self, vector: Floats) -> tuple[Heard, int]:
        """Scores and reasons for a vector of unit length, and the version that gave them. Raises `invalid_request`."""
        with self._asking:
            return self._answering.hear(self._checked(vector)), self._facts.version

    def correct(self, correction: Correction) -> Outcome:
        """Learn from a correction; durable when this returns.

        Raises:
            SonotypeError: as `History.known`; `insufficient_storage` or `unavailable` where it cannot be written
                down, and then nothing has changed; otherwise as `answer`.
        """
        with self._changing:
            said = (correction.track, self.about.labels.index(correction.label), correction.positive)
            known = self.history.known(correction.event, said)
            if known is not None:
                return Outcome(known, len(self.taught), replayed=True)
            self._check(correction)
            with self._asking:
                try:
                    change = self._apply(correction)
                    self._log.append(change)
                except BaseException:
                    self._adopt(self._built())
                    raise
                self.history.add(change)
                self._answering.forget()
                self._facts = self._counted(self.taught)
                return Outcome(change, len(self.taught))

    def undo(self, version: int | None = None, client: str | None = None) -> Outcome:
        """Take the last correction that counts back.

        Args:
            version: which one it must be, so that a repeated call takes nothing else back.
            client: who asks.

        Raises:
            SonotypeError: `conflict` where there is none, or it is another one.
        """
        with self._changing:
            target, last = self.history.before_last()
            if version not in (None, last.version):
                raise SonotypeError(Code.CONFLICT, f"The last correction made version {last.version}, not {version}.")
            return self._return("undo", target, client)

    def rollback(self, version: int, client: str | None = None) -> Outcome:
        """Go back, or forth, to the state of a version. Raises `not_found`."""
        with self._changing:
            self.history.check(version)
            return self._return("rollback", version, client)

    def snapshot(self) -> tuple[tuple[str, ...], Floats, Said]:
        """Ids, vectors and what is known of the labels of all its tracks: copies, to be worked on elsewhere."""
        with self._asking:
            taught = self.taught
            return tuple(taught.ids), taught.vectors.values.copy(), taught.said.values.copy()

    def _check(self, correction: Correction) -> None:
        if correction.vector is not None:
            self._checked(correction.vector)
        elif not self.knows(correction.track):
            raise _unknown(correction.track)

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

    def _return(self, kind: Literal["undo", "rollback"], target: int, client: str | None) -> Outcome:
        self.history.check_room()
        change = Change(self.history.current + 1, kind, self._now(), client, target=target)
        self._log.append(change)
        self.history.add(change)
        self._load()
        return Outcome(change, len(self.taught))

    def _load(self) -> None:
        """Take on the set of the current version: the fitted one with every correction that counts."""
        built = self._built()
        with self._asking:
            self._adopt(built)

    def _built(self) -> tuple[TaughtSet, Decider, Answering]:
        taught = restored(self._base, self.history.chain())
        return taught, Decider(taught, self.about.budget, self._bounds), Answering(taught, self.about.k)

    def _adopt(self, built: tuple[TaughtSet, Decider, Answering]) -> None:
        self.taught, self._decider, self._answering = built
        self._facts = self._counted(self.taught)

    def _counted(self, taught: TaughtSet) -> Facts:
        return Facts(self.history.current, len(taught.ids), len(taught), self.history.held)

    def _checked(self, vector: Floats) -> Floats:
        if vector.shape != (self.taught.dim,) or not np.isfinite(vector).all():
            raise SonotypeError(Code.INVALID_REQUEST, f"A vector needs {self.taught.dim} finite numbers.")
        return vector


def restored(base: Base, changes: list[Change]) -> TaughtSet:
    """A fitted set after some corrections."""
    taught = TaughtSet(base)
    for change in changes:
        taught.replay(change)
    return taught


def _unknown(track: str | None) -> SonotypeError:
    detail = f"The tagger does not know the track {track!r} any more: it was taken back meanwhile. Ask again."
    return SonotypeError(Code.CONFLICT, detail)
