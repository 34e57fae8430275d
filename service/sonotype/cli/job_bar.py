"""The progress of a job on a terminal: how far, how fast, how long still."""

from __future__ import annotations

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.progress import TimeRemainingColumn as Remaining
from rich.text import Text

from sonotype.cli.document import Document
from sonotype.cli.errors import stderr


class _Rate(ProgressColumn):
    """Files per second over the last half minute."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} files/s", style="dim")


class JobBar:
    """A bar on standard error, for as long as the context is open; nothing where that is no terminal."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), Remaining())
        words = TextColumn("[dim]{task.fields[words]}[/]")
        self._progress = Progress(*columns, words, console=stderr, transient=True, disable=not stderr.is_terminal)
        self._task: TaskID | None = None

    def __enter__(self) -> JobBar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, job: Document) -> None:
        """Draw a job, as `GET /v1/jobs/{id}` tells it."""
        done, total = job["done"], job["total"]
        fields = {"words": words_of(job["counts"]), "total": total}
        if self._task is None:  # what was done before this run says nothing of its speed
            self._task = self._progress.add_task("", completed=done, **fields)
        self._progress.update(self._task, description=_doing(job), completed=done, **fields)


def words_of(counts: dict[str, int]) -> str:
    """`3 stored, 1 failed`: what became of the files so far."""
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count and state != "pending")


def _doing(job: Document) -> str:
    if job["state"] == "queued":
        return "waiting"
    return "looking for files" if job["total"] is None else "ingesting" if job["kind"] == "ingest" else "embedding"
