"""What an index does unasked: merge its tail, renew its sample, rebuild its graph, write snapshots."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import structlog

from sonotype.catalog.index import sample as samples
from sonotype.catalog.index.rebuild import Rebuild
from sonotype.catalog.index.segment import use_threads
from sonotype.catalog.index.shared import Shared, StoppedError

log = structlog.get_logger(__name__)

_TICK_S = 0.25
_STEP, _LARGEST_STEP = 16, 4_096
_CHECKED = 64  # vectors looked for at once
_AGAIN = 10  # older vectors that are looked for again for each one that was merged
_HURRY = 4  # times `merge_at` from which merging takes all the time that it needs


class Keeper(threading.Thread):
    """The thread behind one index.

    Attributes:
        rebuild: the rebuild under way, if one is.
        failures: rounds that ended in an error.
        failing: the last one did: nobody should wait for the next.
        hurry: merge the tail now, however short it is.
    """

    def __init__(self, shared: Shared) -> None:
        super().__init__(name="sonotype-index", daemon=True)
        self._shared = shared
        self._step = _STEP
        self._segment = shared.held.segment
        self._cursor, self._owed = 0, 0
        self._rebuild_from = 0.0
        self._saved_at = self._tried_at = time.monotonic()
        self.rebuild: Rebuild | None = None
        self.hurry = False
        self.failures = 0
        self.failing = False

    def stop(self) -> None:
        """Leave off, and wait until the step under way is done."""
        self._shared.stopping.set()
        self._shared.wake.set()
        self.join()
        if self.rebuild is not None:
            self.rebuild.stop()

    def run(self) -> None:
        """Do what is due, over and over."""
        use_threads(1)
        pause = 0.0
        while not self._shared.stopping.is_set():
            self._shared.wake.wait(pause)
            self._shared.wake.clear()
            try:
                pause = self._work()
                self.failing = False
            except StoppedError:
                return
            except Exception:  # a worker's loop: searches go on without it
                log.exception("the index could not be tended")
                self.failures += 1
                self.failing = True
                pause = self._shared.tuning.retry_s

    @property
    def idle(self) -> bool:
        """Nothing is left to do but perhaps a snapshot."""
        growing = self._rebuild_due() or self._merge_due(True) or self._check_due()
        return self.rebuild is None and not (growing or self._sample_due() or self._cells_due())

    def _work(self) -> float:
        """One round; seconds until the next."""
        self._tend_rebuild()
        if self._sample_due():
            self._shared.resample()
        if self._cells_due():
            self._shared.divide()
        if self._merge_due(self.hurry):
            return self._timed(self._merge)
        if self._check_due():
            return self._timed(self._check)
        if self._snapshot_due():
            self._save()
        return _TICK_S

    def _tend_rebuild(self) -> None:
        if self.rebuild is not None and not self.rebuild.is_alive():
            self._rebuild_from = time.monotonic() + self._shared.tuning.retry_s * self.rebuild.failed
            self.failures += self.rebuild.failed
            self.rebuild = None
        if self.rebuild is None and self._rebuild_due() and time.monotonic() >= self._rebuild_from:
            self.rebuild = Rebuild(self._shared)
            self.rebuild.start()

    def _sample_due(self) -> bool:
        held = self._shared.held
        return samples.due(held.positions.now.live, held.chosen_at)

    def _rebuild_due(self) -> bool:
        held, tuning = self._shared.held, self._shared.tuning
        now = held.positions.now
        dead = now.total - now.live
        return not held.segment.has_graph or (now.total >= tuning.graph_from and dead > tuning.dead_share * now.total)

    def _cells_due(self) -> bool:
        held = self._shared.held
        return held.segment.has_graph and held.cells.due(len(held.segment), self._shared.tuning.cells_from)

    def _merge_due(self, hurry: bool) -> bool:
        held, tuning = self._shared.held, self._shared.tuning
        if not len(held.tail) or held.positions.now.total < tuning.graph_from:
            return False
        quiet = time.monotonic() - self._shared.changed_at > tuning.idle_s
        return hurry or quiet or len(held.tail) >= tuning.merge_at

    def _timed(self, step: Callable[[], None]) -> float:
        """Take a step; seconds to pause after it so that searches have most of the time."""
        began = time.monotonic()
        step()
        tuning, took = self._shared.tuning, time.monotonic() - began
        if self.hurry or len(self._shared.held.tail) > _HURRY * tuning.merge_at:
            return 0.0
        return took / tuning.merge_load - took

    def _merge(self) -> None:
        """Merge so many that it takes about as long as it should."""
        wanted = self._shared.tuning.merge_s
        took = self._shared.merge(self._step)
        self._owed += _AGAIN * self._step
        if took < wanted / 2:
            self._step = min(_LARGEST_STEP, 2 * self._step)
        elif took > wanted:
            self._step = max(1, self._step // 2)
        if self._check_due() and len(self._shared.held.tail) < _HURRY * self._shared.tuning.merge_at:
            self._check()

    def _check_due(self) -> bool:
        segment = self._shared.held.segment
        return segment.has_graph and (segment.checked < len(segment) or self._owed > 0)

    def _check(self) -> None:
        """Look for some vectors: new ones first, then older ones in turn."""
        segment = self._shared.held.segment
        if segment is not self._segment:
            self._segment, self._cursor, self._owed = segment, 0, 0
        total, new = len(segment), segment.checked < len(segment)
        start = segment.checked if new else self._cursor
        stop = min(start + _CHECKED, total)
        self._shared.check(segment, np.arange(start, stop))
        if new:
            segment.checked = stop
        else:
            self._cursor = stop % max(1, total)
            self._owed = max(0, min(self._owed, total) - (stop - start))

    def _snapshot_due(self) -> bool:
        shared, now = self._shared, time.monotonic()
        if not shared.held.segment.has_graph or (shared.failed and now - self._tried_at < shared.tuning.retry_s):
            return False
        many = max(shared.tuning.snapshot_changes, shared.tuning.snapshot_share * shared.held.positions.now.live)
        late = now - self._saved_at > shared.tuning.snapshot_every_s
        return shared.snapshot_due or shared.changes >= many or (late and shared.changes > 0)

    def _save(self) -> None:
        self._tried_at = time.monotonic()
        try:
            self._shared.save()
            self._saved_at = time.monotonic()
        except OSError as error:
            log.warning("a snapshot of the index could not be written", reason=error.strerror)
