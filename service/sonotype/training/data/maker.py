"""Make the data set `instruments`: fetch the sources, render what is missing in parallel, write the manifest."""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.weights.base import Progress, no_progress, write_atomic
from sonotype.training.data import archives, licences, packages
from sonotype.training.data.dataset import Example, write_manifest
from sonotype.training.data.parts import PARTS
from sonotype.training.data.phrases import LENGTH_S, RATE_HZ, Phrase, example_of, make_phrase, plan, write_phrase_file
from sonotype.training.data.players import Players
from sonotype.training.data.voices import Part

RECIPE = "recipe.json"
MANIFEST = "manifest.csv"
_VERSION = 1
_BATCH = 24

Done = Callable[[int, int], None]
"""Called with the phrases that are finished and all that there are."""


@dataclass(frozen=True, slots=True)
class Job:
    """A batch of phrases of one part, for one process."""

    phrases: tuple[Phrase, ...]
    out: Path
    seed: int


def make_instruments(
    out: Path,
    *,
    cache: Path,
    phrases: int = 480,
    seed: int = 0,
    jobs: int = 1,
    parts: Sequence[Part] = PARTS,
    on_fetch: Callable[[str], Progress] = lambda _: no_progress,
    on_phrase: Done = lambda _done, _total: None,
) -> list[Example]:
    """Make the data set, or what is missing of it.

    Args:
        out: its folder; files that an earlier run finished are kept.
        cache: where fetched packages are kept.
        phrases: how many per class.
        seed: every phrase follows from it, its class, its source and its number, whatever `jobs` is.
        jobs: processes.
        parts: who plays what.
        on_fetch: given a source's archive, where to tell progress.
        on_phrase: told after every batch.

    Returns:
        The rows of the manifest, which is written last.

    Raises:
        SonotypeError: `source_unreachable`, `weights_corrupt` or `weights_missing` with what to do;
            `invalid_request` where `out` holds another data set.
        OSError: the disk is full or a folder cannot be written.
    """
    wanted = plan(parts, phrases)
    _check_recipe(out, seed)
    folders = fetch_all(parts, cache, on_fetch)
    _sweep(out)
    missing = [phrase for phrase in wanted if not phrase.path(out).is_file()]
    done = len(wanted) - len(missing)
    on_phrase(done, len(wanted))
    for count in _run(_jobs(missing, out, seed), folders, jobs):
        done += count
        on_phrase(done, len(wanted))
    examples = [example_of(phrase, out) for phrase in wanted]
    licences.write(out, {example.source for example in examples})
    write_manifest(out / MANIFEST, examples)
    return examples


def fetch_all(parts: Iterable[Part], cache: Path, on_fetch: Callable[[str], Progress]) -> dict[str, Path]:
    """Fetch and unpack every archive that the parts need; returns their folders by name."""
    names = sorted({name for part in parts for name in part.archives})
    return {name: archives.folder_of(packages.ARCHIVES[name], cache, progress=on_fetch(name)) for name in names}


def summary(examples: Iterable[Example]) -> dict[tuple[str, str, str], int]:
    """Files by class, source and split."""
    return dict(sorted(Counter((e.labels[0], e.source, e.split) for e in examples).items()))


def hours(examples: Sequence[Example]) -> float:
    """How long the data set plays."""
    return len(examples) * LENGTH_S / 3600


def _check_recipe(out: Path, seed: int) -> None:
    """Refuse to mix two data sets in one folder."""
    recipe = {"kind": "instruments", "version": _VERSION, "seed": seed, "rate_hz": RATE_HZ, "length_s": LENGTH_S}
    path = out / RECIPE
    if path.is_file():
        if path.read_text(encoding="utf-8") != json.dumps(recipe, indent=2) + "\n":
            detail = "The folder holds a data set made with another seed or version: choose another folder."
            raise SonotypeError(Code.INVALID_REQUEST, detail)
    elif out.is_dir() and any(out.iterdir()):
        raise SonotypeError(Code.INVALID_REQUEST, "The folder is not empty and holds no such data set.")
    else:
        write_atomic(path, (json.dumps(recipe, indent=2) + "\n").encode())


def _sweep(out: Path) -> None:
    """Remove what a killed run left half written."""
    for path in out.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


def _jobs(missing: list[Phrase], out: Path, seed: int) -> list[Job]:
    """Batches; those of one source lie side by side, so that a process seldom changes its soundfont."""
    ordered = sorted(missing, key=lambda p: (p.part.source, p.part.label, p.index))
    jobs = []
    for _, group in groupby(ordered, key=lambda p: (p.part.source, p.part.label)):
        phrases = list(group)
        jobs += [Job(tuple(phrases[i : i + _BATCH]), out, seed) for i in range(0, len(phrases), _BATCH)]
    return jobs


def _run(jobs: list[Job], folders: dict[str, Path], processes: int) -> Iterator[int]:
    """Run batches; yields the number of phrases that each of them made."""
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


_players: Players | None = None


def _begin(folders: dict[str, Path]) -> None:
    global _players  # noqa: PLW0603 (what a process keeps between its batches)
    _players = Players(folders, RATE_HZ)


def _work(job: Job, players: Players | None = None) -> int:
    players = players or _players
    if players is None:
        raise SonotypeError(Code.INTERNAL, "A process was not set up.")
    for phrase in job.phrases:
        write_phrase_file(make_phrase(phrase, players.get(phrase.part), job.seed), phrase.path(job.out))
    return len(job.phrases)
