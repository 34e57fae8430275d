"""The versions of a tagger: every change makes one, and any can be gone back to."""

from __future__ import annotations

from collections.abc import Sequence

from sonotype.catalog.taggers.values import FITTED, Change
from sonotype.core.errors import Code, SonotypeError

MOST = 200_000
"""Changes of one tagger: some 300 MB of memory and of log."""


class History:
    """Versions 1 (the fitted set) to `current`. A version's state is a chain of corrections from the fitted set.

    Args:
        changes: acknowledged, oldest first.
    """

    def __init__(self, changes: Sequence[Change] = ()) -> None:
        self.changes: list[Change] = []
        self.events: dict[str, Change] = {}
        self._head = [0, 0]  # by version: the last correction that its state holds, 0 for none
        self._held = [0, 0]  # by version: how many it holds
        self._before: dict[int, int] = {}
        self._length = {0: 0}  # by head: corrections of the chain that it ends
        for change in changes:
            self.add(change)

    @property
    def current(self) -> int:
        """The newest version."""
        return FITTED + len(self.changes)

    @property
    def length(self) -> int:
        """Corrections that the newest version's state holds."""
        return self._length[self._head[-1]]

    @property
    def held(self) -> int:
        """Corrections that the state of the newest version holds."""
        return self._held[-1]

    def add(self, change: Change) -> None:
        """Take a change in, which makes the next version."""
        if change.kind == "feedback":
            self._before[change.version] = self._head[-1]
            self._length[change.version] = self.length + 1
            self._head.append(change.version)
            self._held.append(self._held[-1] + 1)
        else:
            assert change.target is not None  # noqa: S101 - written with one
            self._head.append(self._head[change.target])
            self._held.append(self._held[change.target])
        self.changes.append(change)
        if change.event is not None:
            self.events[change.event] = change

    def known(self, event: str | None, said: tuple[str, int, bool]) -> Change | None:
        """The correction that an event made; None for a new event.

        Args:
            event: the client's id.
            said: track, number of the label, and whether it is so.

        Raises:
            SonotypeError: `idempotency_mismatch` for an event that said something else; `conflict` for a new one where
                there are as many changes as may be.
        """
        change = None if event is None else self.events.get(event)
        if change is None:
            self.check_room()
        elif (change.track, change.label, change.positive) != said:
            raise SonotypeError(Code.IDEMPOTENCY_MISMATCH, "This event id was used for another correction.")
        return change

    def check_room(self) -> None:
        """Raises `conflict` where there are as many changes as may be: all are kept, and replayed at every start."""
        if len(self.changes) >= MOST:
            detail = f"A tagger takes {MOST} changes; fit another one to the labels as they are by now."
            raise SonotypeError(Code.CONFLICT, detail)

    def chain(self, version: int | None = None) -> list[Change]:
        """The corrections that the state of a version holds, oldest first."""
        head, found = self._head[self.current if version is None else version], []
        while head:
            found.append(self.changes[head - FITTED - 1])
            head = self._before[head]
        return found[::-1]

    def before_last(self) -> tuple[int, Change]:
        """The version before the last correction that still counts, and that correction. Raises `conflict`."""
        head = self._head[-1]
        if not head:
            raise SonotypeError(Code.CONFLICT, "There is no correction to undo.")
        return head - 1, self.changes[head - FITTED - 1]

    def check(self, version: int) -> None:
        """Raises `not_found` for a version that there never was."""
        if not FITTED <= version <= self.current:
            raise SonotypeError(Code.NOT_FOUND, f"There are the versions 1 to {self.current}, and no {version}.")
