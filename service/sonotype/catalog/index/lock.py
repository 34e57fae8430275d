"""A lock that many readers or one writer hold; faiss indexes are searched by many and must not grow meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadersWriterLock:
    """Readers and writers take turns, so that neither starves; not reentrant.

    A reader that comes while a writer waits lets it pass; those who waited for a writer go before the next one.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.Lock())
        self._readers = 0
        self._queued = 0  # readers who wait
        self._turn = 0  # of these, who go before the next writer
        self._writers = 0  # who wait
        self._writing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold it beside other readers."""
        with self._condition:
            if self._writing or self._writers:
                self._queue()
            self._readers += 1
        try:
            yield
        finally:
            with self._condition:
                self._readers -= 1
                if not self._readers:
                    self._condition.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold it alone."""
        with self._condition:
            self._writers += 1
            try:
                self._condition.wait_for(lambda: not (self._writing or self._readers or self._turn))
            finally:
                self._writers -= 1
            self._writing = True
        try:
            yield
        finally:
            with self._condition:
                self._writing = False
                self._turn = self._queued
                self._condition.notify_all()

    def _queue(self) -> None:
        self._queued += 1
        try:
            self._condition.wait_for(lambda: not self._writing and (self._turn or not self._writers))
        finally:
            self._queued -= 1
            self._turn = max(0, self._turn - 1)
