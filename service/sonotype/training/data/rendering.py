"""Render phrases, in this process or in several at once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.data.checks import RATE_HZ
from sonotype.training.data.loading import Players
from sonotype.training.data.phrases import Phrase, make_phrase, write_phrase_file

_BATCH = 24


@dataclass(frozen=True, slots=True)
class _Job:
    """A batch of phrases of one part, for one process."""

    phrases: tuple[Phrase, ...]
    out: Path
    seed: int


def render(phrases: list[Phrase], out: Path, seed: int, folders: dict[str, Path], processes: int) -> Iterator[int]:
    """Render phrases into files; yields, after every batch, how many it made.

    Args:
        phrases: what to render.
        out: the folder of the data set.
        seed: see `make_phrase`.
        folders: the unpacked folder of every archive, by name.
        processes: one renders in this process.

    Raises:
        SonotypeError: a source is damaged or stays silent, or a process was killed.
    """
    jobs = _jobs(phrases, out, seed)
    if processes <= 1 or len(jobs) <= 1:
        players = Players(folders, RATE_HZ)
        for job in jobs:
            yield _work(job, players)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(folders,)) as pool:
        futures: list[Future[int]] = [pool.submit(_work, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            detail = "A process that renders phrases was killed; run the command again and it goes on from here."
            raise SonotypeError(Code.INTERNAL, detail) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _jobs(missing: list[Phrase], out: Path, seed: int) -> list[_Job]:
    """Batches; those of one source lie side by side, so that a process seldom changes its soundfont."""
    ordered = sorted(missing, key=lambda p: (p.part.source, p.part.label, p.from_tune, p.index))
    jobs = []
    for _, group in groupby(ordered, key=lambda p: (p.part.source, p.part.label)):
        phrases = list(group)
        jobs += [_Job(tuple(phrases[i : i + _BATCH]), out, seed) for i in range(0, len(phrases), _BATCH)]
    return jobs


_players: Players | None = None


def _begin(folders: dict[str, Path]) -> None:
    global _players  # noqa: PLW0603 (what a process keeps between its batches)
    _players = Players(folders, RATE_HZ)


def _work(job: _Job, players: Players | None = None) -> int:
    players = players or _players
    if players is None:
        raise SonotypeError(Code.INTERNAL, "A process was not set up.")
    for phrase in job.phrases:
        samples = make_phrase(phrase, players.get(phrase.part), job.seed, players.score(phrase.tune))
        write_phrase_file(samples, phrase.path(job.out))
    return len(job.phrases)
