"""Fetch a Debian package: with apt where there is one (no root needed), else from Debian's own servers."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path, PurePosixPath

from sonotype.models.weights.base import Progress, move_into_place, sha256_of
from sonotype.models.weights.https import fetch as fetch_https

_MIRROR = "https://deb.debian.org/debian/pool/main"
_TIMEOUT_S = 900


def fetch(pool_path: str, sha256: str, target: Path, progress: Progress) -> None:
    """Fetch a package of Debian main to `target`.

    Args:
        pool_path: its path below `pool/main`, for example `f/foo/foo_1.0-1_all.deb`.
        sha256: its hash (hex).
        target: where it goes.
        progress: called while bytes arrive.

    Raises:
        SonotypeError: `source_unreachable`, or `weights_corrupt` where the hash is another.
    """
    progress("download", 0, None)
    if not _with_apt(pool_path, sha256, target):
        # no apt, or its sources know another version: the pool keeps every version of a supported release
        fetch_https([f"{_MIRROR}/{pool_path}"], sha256, target, progress=progress)


def _with_apt(pool_path: str, sha256: str, target: Path) -> bool:
    apt = shutil.which("apt-get")
    if apt is None:
        return False
    name, version, _ = PurePosixPath(pool_path).name.split("_")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".apt-") as folder:
        command = [apt, "-q", "download", f"{name}={version}"]
        try:
            # name and version come from the table of sources, and no shell is involved
            subprocess.run(  # noqa: S603
                command, check=True, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False
        packages = list(Path(folder).glob("*.deb"))
        if len(packages) != 1 or sha256_of(packages[0]) != sha256:
            return False
        move_into_place(packages[0], target)
    return True
