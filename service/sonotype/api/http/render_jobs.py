"""From jobs to JSON; `schemas_jobs` says the same for OpenAPI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sonotype.api.http.render_catalog import moment
from sonotype.api.job_params import FINAL, done
from sonotype.catalog.jobs.job import FileState, Job, JobFile


def job_url(job_id: str) -> str:
    """Path of a job on the REST face."""
    return f"/v1/jobs/{quote(job_id, safe='')}"


def job_body(job: Job) -> dict[str, Any]:
    """One job."""
    request = job.request
    return {
        "id": job.id,
        "kind": request.kind.value,
        "path": request.path,
        "collection": request.collection,
        "generation": request.generation,
        "state": job.state.value,
        "final": job.state in FINAL,
        "total": job.total,
        "done": done(job),
        "counts": {state.value: job.counts.get(state, 0) for state in FileState},
        "error": job.error,
        "created_at": moment(job.created_at),
        "started_at": moment(job.started_at),
        "ended_at": moment(job.ended_at),
    }


def jobs_body(jobs: Sequence[Job], cursor: str | None) -> dict[str, Any]:
    """A page of jobs."""
    return {"jobs": [job_body(job) for job in jobs], "cursor": cursor}


def files_body(files: Sequence[JobFile], cursor: str | None) -> dict[str, Any]:
    """A page of a job's files."""
    return {"files": [_file(file) for file in files], "cursor": cursor}


def _file(file: JobFile) -> dict[str, Any]:
    told = {"path": file.path, "state": file.state.value, "track": file.track}
    return told | {"code": file.code, "detail": file.detail}
