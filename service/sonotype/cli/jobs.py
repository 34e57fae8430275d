"""`sonotype jobs`: the jobs of a running service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from sonotype.catalog.jobs.job import FileState, JobKind
from sonotype.catalog.track import DEFAULT_COLLECTION
from sonotype.cli.asking import run
from sonotype.cli.document import Document
from sonotype.cli.errors import reported
from sonotype.cli.job_bar import JobBar
from sonotype.cli.job_calls import JobCalls, open_job_calls
from sonotype.cli.job_report import Format, write_files, write_job, write_jobs, write_one

app = typer.Typer(
    help="Jobs of a running service: ingest files below its ingest root, or embed its tracks with another model.\n\n"
    "Begin with: [bold]sonotype jobs start --watch[/]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
T = TypeVar("T")
_HERE = "http://localhost:8000"
JobId = Annotated[str, typer.Argument(help="Id of a job, from `sonotype jobs list`.", show_default=False)]
Server = Annotated[str, typer.Option(envvar="SONOTYPE_SERVER", help="The running service.")]
ApiKey = Annotated[str | None, typer.Option(envvar="SONOTYPE_API_KEY", help="API key of the service.")]
Form = Annotated[Format, typer.Option("--format", help="How to print it.")]


@app.command("list")
def list_jobs(server: Server = _HERE, api_key: ApiKey = None, form: Form = Format.TABLE) -> None:
    """List the jobs, newest first.

    Example: [bold]sonotype jobs list --format jsonl | jq -r 'select(.state == "running") | .id'[/]
    """

    async def listed(calls: JobCalls) -> list[Document]:
        return [job async for job in calls.jobs()]

    write_jobs(form, _asked(server, api_key, listed))


@app.command()
def show(job_id: JobId, server: Server = _HERE, api_key: ApiKey = None, form: Form = Format.TABLE) -> None:
    """Show how a job stands.

    Example: [bold]sonotype jobs show 3f2a… --format json | jq .counts[/]
    """
    write_one(form, _asked(server, api_key, lambda calls: calls.job(job_id)))


@app.command()
def files(
    job_id: JobId,
    state: Annotated[FileState | None, typer.Option(help="Only files of which this became.")] = None,
    server: Server = _HERE,
    api_key: ApiKey = None,
    form: Form = Format.TABLE,
) -> None:
    """List what became of every file of a job, with the reason where it is not in the catalogue.

    Example: [bold]sonotype jobs files 3f2a… --state failed[/]
    """
    chosen = None if state is None else state.value
    _asked(server, api_key, lambda calls: write_files(form, calls.files(job_id, chosen)))


@app.command()
def watch(job_id: JobId, server: Server = _HERE, api_key: ApiKey = None, form: Form = Format.TABLE) -> None:
    """Follow a job to its end, then tell what became of it. Ctrl-C leaves it running.

    Example: [bold]sonotype jobs watch 3f2a…[/]
    """
    raise typer.Exit(_asked(server, api_key, lambda calls: _followed(calls, job_id, form)))


@app.command()
def cancel(job_id: JobId, server: Server = _HERE, api_key: ApiKey = None, form: Form = Format.TABLE) -> None:
    """Stop a job within a second; what is stored stays.

    Example: [bold]sonotype jobs cancel 3f2a…[/]
    """
    write_one(form, _asked(server, api_key, lambda calls: calls.cancel(job_id)))


@app.command()
def start(
    path: Annotated[str, typer.Argument(help="Folder, manifest or playlist below the service's ingest root.")] = "",
    reembed: Annotated[bool, typer.Option("--reembed", help="Embed stale tracks instead of ingesting files.")] = False,
    collection: Annotated[str, typer.Option(help="Where the tracks go.")] = DEFAULT_COLLECTION,
    generation: Annotated[str | None, typer.Option(help="With --reembed: which one; default: the model's.")] = None,
    follow: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    server: Server = _HERE,
    api_key: ApiKey = None,
    form: Form = Format.TABLE,
) -> None:
    """Start a job: ingest files that lie on the server, or embed again the tracks that another model has embedded.

    Examples:
      sonotype jobs start                          (everything below the ingest root)
      sonotype jobs start jazz --collection vinyl --watch
      sonotype jobs start lists/tracks.csv
      sonotype jobs start --reembed --watch
    """
    body: Document = {"kind": JobKind.INGEST.value, "path": path, "collection": collection}
    if reembed:
        body = {"kind": JobKind.REEMBED.value} | ({"generation": generation} if generation else {})
    job = _asked(server, api_key, lambda calls: calls.start(body))
    if not follow:
        write_one(form, job)
        return
    raise typer.Exit(_asked(server, api_key, lambda calls: _followed(calls, job["id"], form)))


async def _followed(calls: JobCalls, job_id: str, form: Format) -> int:
    with JobBar() as bar:
        async for job in calls.watch(job_id):
            bar.show(job)
    return await write_job(form, job, calls.files(job_id))


def _asked(server: str, api_key: str | None, call: Callable[[JobCalls], Awaitable[T]]) -> T:
    with reported():
        return run(open_job_calls(server, api_key), call)
