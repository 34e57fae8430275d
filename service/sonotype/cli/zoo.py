"""Models of the zoo on the command line: which there are, and how one becomes a model folder."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from sonotype.cli.model_views import size
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card_parts import LicenceSpec, SourceSpec
from sonotype.models.repository import pulled_models
from sonotype.models.weights.artefact import fetched, lock, prune
from sonotype.models.weights.base import Progress
from sonotype.models.weights.terms import Acceptance
from sonotype.models.zoo import installed
from sonotype.models.zoo.catalogue import Offer, ZooModel, ZooSource

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model of the zoo in one of its forms, whose hash is known."""

    model: ZooModel
    source: ZooSource
    licence: LicenceSpec


def want(offer: Offer, form: str | None, sha256: str | None) -> Wanted:
    """Choose the form to fetch.

    Args:
        offer: the model.
        form: name of a form; None means the preferred one.
        sha256: expected hash (hex), where the catalogue knows none.

    Raises:
        SonotypeError: `invalid_request` where no hash is known, or another one.
    """
    name, source = offer.model.name, offer.model.source(form)
    if sha256 is not None:
        sha256 = sha256.lower()
        if not _SHA256.fullmatch(sha256):
            raise SonotypeError(Code.INVALID_REQUEST, "--sha256 takes the 64 hexadecimal digits of a hash.")
        if source.sha256 not in {None, sha256}:
            raise SonotypeError(Code.INVALID_REQUEST, f"{name} as {source.format} is known to have another hash.")
        source = source.model_copy(update={"sha256": sha256})
    if source.sha256 is None:
        detail = f"No hash of {name} as {source.format} is known: say which file you expect with --sha256 HEX."
        raise SonotypeError(Code.INVALID_REQUEST, detail)
    return Wanted(offer.model, source, offer.licence)


def is_whole(folder: Path) -> bool:
    """Whether a model folder was made here and its weights are those of its card; reads them all."""
    if installed.read_receipt(folder) is None:
        return False
    try:
        installed.verify(folder)
    except SonotypeError:
        return False
    return True


def bring(wanted: Wanted, settings: Settings, progress: Progress, acceptance: Acceptance | None = None) -> bool:
    """Fetch, convert and write a model folder, unless it is there and whole; returns whether it had to be done.

    Raises:
        SonotypeError: `source_unreachable`, `weights_corrupt`, or `invalid_request` for a form that cannot be read.
        OSError: the disk is full or a folder cannot be written.
    """
    folder = pulled_models(settings) / wanted.model.name
    with lock(settings.weights_dir, f"zoo-{wanted.model.name}"):
        fresh = not is_whole(folder)
        if fresh:
            _make(wanted, folder, settings, progress, acceptance)
    return fresh


def _make(wanted: Wanted, folder: Path, settings: Settings, progress: Progress, acceptance: Acceptance | None) -> None:
    # the way from a file to a card knows many formats, and is loaded by those who go it
    from sonotype.models.zoo.converting import convert  # noqa: PLC0415
    from sonotype.training.model_folder import write_folder  # noqa: PLC0415

    source, sha256 = wanted.source, wanted.source.sha256 or ""
    spec = SourceSpec(kind="https", urls=list(source.urls), sha256=sha256)
    useless = False
    try:
        with fetched(spec, wanted.model.name, settings.weights_dir, progress, max_bytes=source.n_bytes) as path:
            progress("convert", 0, None)
            with _named(path, source.urls[0]) as file:
                made = convert(wanted.model, file, wanted.licence)
            form = source.format
            files = installed.files_of(made, form=form, source_sha256=sha256, urls=source.urls, acceptance=acceptance)
            write_folder(folder, files, replace=True)
            useless = True  # all that we need of it is in the folder
    except SonotypeError as error:
        useless = error.code is Code.WEIGHTS_CORRUPT
        raise
    finally:
        if useless:
            prune(sha256, settings.weights_dir)


@contextmanager
def _named(path: Path, url: str) -> Iterator[Path]:
    """The file under the name it was published by, which messages repeat."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / (url.rsplit("/", 1)[-1] or "file")
        link.symlink_to(path.resolve())
        yield link


def row(offer: Offer, settings: Settings) -> dict[str, Any]:
    """One row of the list of the zoo; whether it is pulled goes by its receipt."""
    model, licence = offer.model, offer.licence
    return {
        "name": model.name,
        "title": model.title,
        "family": model.family,
        "n_bytes": model.sources[0].n_bytes,
        "licence": licence.spdx,
        "commercial": licence.commercial,
        "holder": licence.holder,
        "licence_url": licence.url,
        "pulled": installed.read_receipt(pulled_models(settings) / model.name) is not None,
        "sources": [source.model_dump(mode="json") for source in model.sources],
    }


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """The zoo as a table."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("Name", "Size", "Licence", "Pulled", "Forms"):
        shown.add_column(
            column, justify="right" if column == "Size" else "left", no_wrap=column == "Name", overflow="fold"
        )
    for it in rows:
        # a form without a known hash is one that --sha256 must vouch for
        forms = " ".join(form["format"] + ("" if form["sha256"] else "*") for form in it["sources"])
        n_bytes = size(it["n_bytes"]) if it["n_bytes"] else "?"
        pulled = "[green]yes[/]" if it["pulled"] else "[dim]no[/]"
        shown.add_row(it["name"], n_bytes, escape(it["licence"]), pulled, forms)
    return shown
