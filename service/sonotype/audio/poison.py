"""Uploads that crashed a decode child are remembered and not tried again.

A decoder that dies of bytes dies of the same bytes again, and each death costs a process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from sonotype.core.errors import Code, SonotypeError

TTL_S = 86_400.0
MAX_ENTRIES = 4096


class Poison:
    """Content hashes, each for a day, the oldest leaving first.

    Args:
        clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def add(self, sha256: str) -> None:
        """Remember bytes that crashed a decoder."""
        self._until[sha256] = self._clock() + TTL_S
        self._until.move_to_end(sha256)
        if len(self._until) > MAX_ENTRIES:
            self._until.popitem(last=False)

    def check(self, sha256: str) -> None:
        """Refuse bytes that are remembered.

        Raises:
            SonotypeError: QUARANTINED.
        """
        until = self._until.get(sha256)
        if until is None:
            return
        if until > self._clock():
            raise SonotypeError(Code.QUARANTINED, "These bytes crashed a decoder before.")
        del self._until[sha256]
