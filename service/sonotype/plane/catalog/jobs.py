"""The jobs of a deployment, as the use cases see them; and the deployment that takes none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from sonotype.catalog.jobs.job import FileState, Job, JobFile, JobRequest
from sonotype.core.errors import Code, SonotypeError


class Jobs(Protocol):
    """Work that outlives a request. `plane.catalog.ingest` does it; what each method raises says `CatalogPlane`."""

    async def create(self, request: JobRequest) -> Job:
        """Queue a job."""

    async def job(self, job_id: str) -> Job:
        """One job."""

    async def jobs(self, cursor: str | None, limit: int) -> tuple[list[Job], str | None]:
        """Jobs, newest first."""

    async def files(
        self, job_id: str, state: FileState | None, cursor: str | None, limit: int
    ) -> tuple[list[JobFile], str | None]:
        """Files of a job in its order."""

    async def cancel(self, job_id: str) -> Job:
        """Stop a job."""

    def watch(self, job_id: str) -> AsyncIterator[Job]:
        """The job now and whenever it has moved, until it ends."""


class NoJobs:
    """The jobs of a deployment without an ingest root: there are none and none are taken."""

    async def create(self, request: JobRequest) -> Job:
        """Raises `forbidden`."""
        raise SonotypeError(Code.FORBIDDEN, "This deployment takes no jobs: no ingest root is configured.")

    async def job(self, job_id: str) -> Job:
        """Raises `not_found`."""
        raise _unknown()

    async def jobs(self, cursor: str | None, limit: int) -> tuple[list[Job], str | None]:
        """None at all."""
        return [], None

    async def files(
        self, job_id: str, state: FileState | None, cursor: str | None, limit: int
    ) -> tuple[list[JobFile], str | None]:
        """Raises `not_found`."""
        raise _unknown()

    async def cancel(self, job_id: str) -> Job:
        """Raises `not_found`."""
        raise _unknown()

    def watch(self, job_id: str) -> AsyncIterator[Job]:
        """Raises `not_found`."""
        raise _unknown()


def _unknown() -> SonotypeError:
    return SonotypeError(Code.NOT_FOUND, "There is no such job.")
