"""Make the data set `instruments`: fetch the sources, render what is missing in parallel, write the manifest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.weights.base import Progress, no_progress, write_atomic
from sonotype.training.data import archives, licences, packages, soundfont
from sonotype.training.data.checks import RATE_HZ
from sonotype.training.data.dataset import Example, write_manifest
from sonotype.training.data.parts import PARTS
from sonotype.training.data.phrases import LENGTH_S, example_of, plan
from sonotype.training.data.rendering import render
from sonotype.training.data.tunes import ARCHIVE as TUNES_ARCHIVE
from sonotype.training.data.voices import Part, Programs

RECIPE = "recipe.json"
MANIFEST = "manifest.csv"
_VERSION = 1

Done = Callable[[int, int], None]
"""Called with the phrases that are finished and all that there are."""


def make_instruments(
    out: Path,
    *,
    cache: Path,
    phrases: int = 480,
    tunes: int = 0,
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
        tunes: how many more per class whose scores are cut from real MIDI files.
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
    wanted = plan(parts, phrases, tunes)
    if any(isinstance(part.voice, Programs) for part in parts):
        soundfont.library()  # better now than after the downloads
    _check_recipe(out, seed)
    folders = fetch_all(parts, cache, on_fetch, tunes=tunes > 0)
    _sweep(out)
    missing = [phrase for phrase in wanted if not phrase.path(out).is_file()]
    done = len(wanted) - len(missing)
    on_phrase(done, len(wanted))
    for count in render(missing, out, seed, folders, jobs):
        done += count
        on_phrase(done, len(wanted))
    examples = [example_of(phrase, out) for phrase in wanted]
    licences.write(out, {example.source for example in examples}, tunes=tunes > 0)
    write_manifest(out / MANIFEST, examples)
    return examples


def fetch_all(
    parts: Iterable[Part], cache: Path, on_fetch: Callable[[str], Progress], *, tunes: bool = False
) -> dict[str, Path]:
    """Fetch and unpack every archive that the parts, and the tunes, need; returns their folders by name."""
    names = sorted({name for part in parts for name in part.archives} | ({TUNES_ARCHIVE} if tunes else set()))
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
