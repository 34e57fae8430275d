"""What a path on the command line means to a job: which folder may be read, and what its files are called."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError


@dataclass(frozen=True, slots=True)
class Source:
    """What to ingest.

    Attributes:
        folder: nothing outside it is read.
        path: below it; empty for the folder itself.
        prefix: stands before a path in the external id.
        keeps_source: the folder is the ingest root, so that the service finds the files again.
    """

    folder: Path
    path: str
    prefix: str
    keeps_source: bool

    def journal(self, data_dir: Path, collection: str, server: str | None) -> Path:
        """Folder of the journal of this very ingest: a second call finds where the first one stopped."""
        said = "\0".join((str(self.folder), self.path, self.prefix, collection, server or ""))
        return data_dir / "ingest" / hashlib.sha256(said.encode(errors="surrogateescape")).hexdigest()[:24]


def locate(what: Path, root: Path | None, ingest_root: Path | None) -> Source:
    """Where the files are, and under which names they go into the catalogue.

    An external id is the path below `root`; failing that, below the configured ingest root; failing that, the whole
    path, so that two folders ingested one after the other never take each other's names.

    Raises:
        SonotypeError: `invalid_request` where there is no such path, or it lies outside `root`.
    """
    try:
        real = what.resolve(strict=True)
    except (OSError, RuntimeError):
        raise SonotypeError(Code.INVALID_REQUEST, f"{what}: no such file or folder.") from None
    if root is not None:
        if not real.is_relative_to(root.resolve()):
            raise SonotypeError(Code.INVALID_REQUEST, f"{what} does not lie in {root}.")
        return _below(real, root.resolve(), ingest_root)
    if ingest_root is not None and real.is_relative_to(ingest_root.resolve()):
        return _below(real, ingest_root.resolve(), ingest_root)
    folder = real if real.is_dir() else real.parent
    return Source(folder, _inside(real, folder), f"{str(folder).rstrip('/')}/", keeps_source=False)


def _below(real: Path, root: Path, ingest_root: Path | None) -> Source:
    readable = ingest_root is not None and ingest_root.resolve() == root
    return Source(root, _inside(real, root), "", keeps_source=readable)


def _inside(real: Path, folder: Path) -> str:
    return "" if real == folder else real.relative_to(folder).as_posix()
