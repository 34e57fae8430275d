"""One file of a job, from the disk to its outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol

from sonotype.catalog.jobs.job import FileState, JobRequest
from sonotype.catalog.jobs.rows import Outcome
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Lane, Upload
from sonotype.plane.catalog.ingest.entry import Entry
from sonotype.plane.catalog.ingest.metadata import metadata_of
from sonotype.plane.catalog.ingest.names import shown
from sonotype.plane.catalog.ingest.patience import PausedError, patiently
from sonotype.plane.catalog.ingest.rooted import PassedOverError, Root
from sonotype.plane.catalog.ingest.target import IngestTarget, ReembedTarget
from sonotype.plane.catalog.limits import MAX_SOURCE
from sonotype.plane.catalog.values import Submission

_log = logging.getLogger(__name__)
_CHANGED = "Its content is not the one that was stored; ingest it anew."
_GONE = "The track was deleted or replaced meanwhile."


class Tags(Protocol):
    """`audio.tag_reader.TagReader`, or a stand-in."""

    async def read(self, data: bytes) -> Mapping[str, Any] | None:
        """Fields of the metadata; None where the tags cannot be read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read and what they are called.

    Attributes:
        root: nothing outside it is read.
        max_bytes: a larger file is refused.
        prefix: stands before a path in the external id; empty or ending in `/`.
        keeps_source: paths are below the ingest root of the service, so that it can read the files again.
        away_s: seconds after which a catalogue that does not answer pauses the job.
    """

    root: Root
    max_bytes: int
    prefix: str = ""
    keeps_source: bool = True
    away_s: float = 300.0


class Files:
    """Turns entries into outcomes.

    Args:
        reading: how.
        target: where tracks go.
        again: where vectors are added, for a job that embeds again.
        tags: reads the files' own tags.
        threads: for what blocks.
    """

    def __init__(
        self, reading: Reading, target: IngestTarget, again: ReembedTarget | None, tags: Tags, threads: Executor
    ) -> None:
        self._reading = reading
        self._target = target
        self._again = again
        self._tags = tags
        self._threads = threads

    async def ingest(
        self, request: JobRequest, entry: Entry, *, begun: bool, begin: Callable[[], Awaitable[None]]
    ) -> Outcome:
        """Store one file, unless the catalogue has it as it is.

        Args:
            request: of the job.
            entry: the file.
            begun: it was being stored when the process died.
            begin: called before the file may be stored.

        Raises:
            PausedError: no file can be stored for now.
        """
        upload = await self._read(entry)
        submission, notes = await self._submission(request, entry, upload)
        note = _sentence(notes)
        known = await self._asked(lambda: self._target.unchanged(submission, upload.sha256))
        if known is not None:
            return Outcome(FileState.STORED if begun else FileState.UNCHANGED, known, detail=note)
        await begin()
        stored = await self._asked(lambda: self._target.put_track(submission, upload))
        return Outcome(FileState.STORED, stored.track.id, detail=note)

    async def embed_again(self, request: JobRequest, entry: Entry) -> Outcome:
        """Add the vector of the job's generation to one track. Raises as `ingest`."""
        again, track = self._again, entry.track
        assert again is not None, "this runner only ingests. This is a bug."  # noqa: S101
        assert track is not None, "a job that embeds again lists tracks. This is a bug."  # noqa: S101
        upload = await self._read(entry)
        if upload.sha256 != entry.content_sha256:
            return Outcome(FileState.SKIPPED, track, detail=_CHANGED)
        if await self._asked(lambda: again.embed_again(track, request.generation, upload)):
            return Outcome(FileState.STORED, track)
        return Outcome(FileState.SKIPPED, track, detail=_GONE)

    async def _asked(self, call: Callable[[], Awaitable[Any]]) -> Any:
        return await patiently(call, self._reading.away_s)

    async def _read(self, entry: Entry) -> Upload:
        loop, reading = asyncio.get_running_loop(), self._reading
        data = await loop.run_in_executor(self._threads, reading.root.read, entry.path, reading.max_bytes)
        return await loop.run_in_executor(self._threads, Upload.of, data)

    async def _submission(self, request: JobRequest, entry: Entry, upload: Upload) -> tuple[Submission, list[str]]:
        tags = await self._tags.read(upload.data)
        metadata, notes = metadata_of(
            request.collection,
            self._reading.prefix + entry.path,
            given=entry.given,
            tags=tags or {},
            fallback=entry.fallback,
        )
        if tags is None:
            notes.append("its tags could not be read")
        source = shown(entry.path) if self._reading.keeps_source else None
        submission = Submission(
            metadata,
            id=entry.id,
            source=source if source is None or len(source) <= MAX_SOURCE else None,
            lane=Lane.BULK,
            client=request.client,
            is_job=True,
        )
        return submission, notes


async def outcome_of(work: Awaitable[Outcome]) -> Outcome:
    """What became of a file, whatever went wrong with it. Raises `PausedError` where it is not about this file."""
    try:
        return await work
    except PassedOverError as error:
        return Outcome(error.state, None, error.code, error.detail)
    except SonotypeError as error:
        return Outcome(FileState.FAILED, None, error.code, error.detail)
    except PausedError:
        raise
    except Exception:  # noqa: BLE001 - background job: one file does not end it
        _log.exception("a file of a job failed")
        return Outcome(FileState.FAILED, None, Code.INTERNAL, "Something went wrong on our side.")


def _sentence(notes: list[str]) -> str | None:
    text = "; ".join(dict.fromkeys(notes))
    return f"{text[0].upper()}{text[1:]}." if text else None
