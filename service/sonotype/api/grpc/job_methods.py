"""The methods of `sonotype.v1.Catalog` on jobs: parse, call the plane, render."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from sonotype.api.grpc.call import Call
from sonotype.api.grpc.convert_jobs import files_of, files_params_of, job_of, job_request_of, jobs_of, page_params_of
from sonotype.api.grpc.gen import catalog_pb2 as cat
from sonotype.api.grpc.methods import Methods
from sonotype.api.watch import watched
from sonotype.core.errors import Code, SonotypeError


class JobMethods(Methods):
    """Work that outlives the call."""

    async def CreateJob(self, request: cat.CreateJobRequest, context: Any) -> cat.Job:  # noqa: N802
        """Start a job."""

        async def work(call: Call, client: str | None) -> cat.Job:
            return job_of(await self._catalog.create_job(job_request_of(request, client)))

        return await self._answer("CreateJob", context, work)

    async def GetJob(self, request: cat.GetJobRequest, context: Any) -> cat.Job:  # noqa: N802
        """Tell how a job stands."""

        async def work(call: Call, client: str | None) -> cat.Job:
            return job_of(await self._catalog.job(request.id))

        return await self._answer("GetJob", context, work)

    async def ListJobs(self, request: cat.ListJobsRequest, context: Any) -> cat.ListJobsResponse:  # noqa: N802
        """List jobs."""

        async def work(call: Call, client: str | None) -> cat.ListJobsResponse:
            params = page_params_of(request)
            return jobs_of(*await self._catalog.jobs(params.cursor, params.limit))

        return await self._answer("ListJobs", context, work)

    async def ListJobFiles(  # noqa: N802 - the contract's name
        self, request: cat.ListJobFilesRequest, context: Any
    ) -> cat.ListJobFilesResponse:
        """List the files of a job."""

        async def work(call: Call, client: str | None) -> cat.ListJobFilesResponse:
            params = files_params_of(request)
            return files_of(*await self._catalog.job_files(request.id, params.state, params.cursor, params.limit))

        return await self._answer("ListJobFiles", context, work)

    async def CancelJob(self, request: cat.CancelJobRequest, context: Any) -> cat.Job:  # noqa: N802
        """Stop a job."""

        async def work(call: Call, client: str | None) -> cat.Job:
            return job_of(await self._catalog.cancel_job(request.id))

        return await self._answer("CancelJob", context, work)

    async def WatchJob(self, request: cat.WatchJobRequest, context: Any) -> None:  # noqa: N802
        """Send a job whenever it has moved; to write, and not to yield, lets a cancelled call end where it stands."""

        async def work(call: Call, client: str | None) -> None:
            async with aclosing(watched(self._plane, request.id)) as jobs:
                async for job in jobs:
                    if job is not None:
                        await self._write(context, job_of(job))

        await self._answer("WatchJob", context, work)

    async def _write(self, context: Any, message: cat.Job) -> None:
        stall_s = self._settings.upload_idle_timeout_s
        try:
            async with asyncio.timeout(stall_s):
                await context.write(message)
        except TimeoutError:
            raise SonotypeError(Code.CANCELLED, f"The client took no message for {stall_s:g} s.") from None
