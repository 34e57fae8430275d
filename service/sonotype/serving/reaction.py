"""What follows from the outcome of a batch, item by item: answers, halves, suspects, quarantine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sonotype.core.errors import Code, SonotypeError
from sonotype.serving.queues import Batch, Part
from sonotype.serving.workers.outcome import Died, Done, Outcome, Raised

if TYPE_CHECKING:
    from sonotype.serving.batcher import Batcher

_log = logging.getLogger(__name__)


def react(batcher: Batcher, batch: Batch, began: float, outcome: Outcome) -> None:
    """Give every item of the batch what it is due."""
    match outcome:
        case Done():
            _share_out(batcher, batch, began, outcome)
        case Raised(oom=True):
            _halve_rows(batcher, batch)
        case Raised():
            _find_culprit(batcher, batch, outcome)
        case Died(started=False):
            batcher.queues.retry([_again(batch)])
        case Died(why="stopped"):
            _fail_parts(batcher, batch, Code.DRAINING, "The service is shutting down.", "stopped")
        case Died(why="hang"):
            _hung(batcher, batch)
        case Died():
            _crashed(batcher, batch)


def too_late() -> SonotypeError:
    """The error of an item whose deadline passed."""
    return SonotypeError(Code.DEADLINE_EXCEEDED, "The deadline passed before the answer was ready.")


def quarantined() -> SonotypeError:
    """The error of audio that killed workers."""
    return SonotypeError(Code.QUARANTINED, "This audio crashed the model twice and is refused for a day.")


def _share_out(batcher: Batcher, batch: Batch, began: float, done: Done) -> None:
    start, rows = 0, batch.rows
    for part in batch.parts:
        stop = start + len(part.entries)
        item = batcher.item_of(part.source)
        if item is not None and item.error is None:
            if done.bad_rows.isdisjoint(range(start, stop)):
                item.take(part, done, start, rows, began)
            else:
                detail = "The model answered this audio with numbers that are not finite."
                batcher.fail(item, SonotypeError(Code.ITEM_FAILED, detail), "numeric")
        start = stop
    if len(batch.parts) == 1:
        batch.parts[0].source.suspect = False  # it ran alone and nothing happened


def _halve_rows(batcher: Batcher, batch: Batch) -> None:
    """The worker has lowered its limit; what does not fit even as one row fits nowhere."""
    if batch.rows > 1:
        batcher.queues.retry(batch.split_rows(batch.rows // 2))
        return
    _fail_parts(batcher, batch, Code.OVERLOADED, "There is not enough memory for this model now.", "oom")


def _find_culprit(batcher: Batcher, batch: Batch, raised: Raised) -> None:
    """Split between clips until the one that raises stands alone: at most log2(clips) levels."""
    if len(batch.parts) > 1:
        batcher.queues.retry(batch.halves_by_source())
        return
    _log.info("an item failed alone: %s", raised.error)
    _fail_parts(batcher, batch, Code.ITEM_FAILED, "The model failed on this audio.", "error")


def _hung(batcher: Batcher, batch: Batch) -> None:
    """Alone, it is guilty and its time is over; in company, each is tried alone."""
    if len(batch.parts) > 1:
        _suspect(batcher, batch.parts)
        return
    item = batcher.item_of(batch.parts[0].source)
    if item is not None:
        if batcher.quarantine.strike(item.spec.sha256, item.spec.model):
            batcher.save_quarantine()
        batcher.fail(item, too_late(), "hang")


def _crashed(batcher: Batcher, batch: Batch) -> None:
    """First death: everyone is a suspect and runs once more, alone. Second death, alone: quarantine."""
    item = batcher.item_of(batch.parts[0].source)
    if len(batch.parts) == 1 and item is not None and item.deaths > 0:
        batcher.remember_quarantine(item)
        batcher.fail(item, quarantined(), "quarantined")
        return
    _suspect(batcher, batch.parts)


def _suspect(batcher: Batcher, parts: list[Part]) -> None:
    for part in parts:
        item = batcher.item_of(part.source)
        if item is not None and item.error is None:
            item.deaths += 1
            part.source.suspect = True
            batcher.queues.put_back(part.source, part.entries)


def _fail_parts(batcher: Batcher, batch: Batch, code: Code, detail: str, kind: str) -> None:
    retry_after_s = 1.0 if code in {Code.OVERLOADED, Code.DRAINING} else None
    for part in batch.parts:
        if (item := batcher.item_of(part.source)) is not None:
            batcher.fail(item, SonotypeError(code, detail, retry_after_s=retry_after_s), kind)


def _again(batch: Batch) -> Batch:
    return Batch(batch.key, batch.lane, batch.parts, "retry")
