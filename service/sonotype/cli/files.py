"""Which files a path on the command line stands for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sonotype.core.errors import Code, SonotypeError

# Only how a folder is searched: what a file really is, its bytes decide.
SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".mp4"}
    | {".aac", ".webm", ".mka", ".mkv", ".aif", ".aiff", ".aifc"}
)


def find_audio(paths: Iterable[Path]) -> list[Path]:
    """Files as given, folders searched deeply for audio suffixes, in a stable order.

    Raises:
        SonotypeError: `invalid_request` for a path that does not exist or a folder without audio.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
            if not inside:
                raise SonotypeError(Code.INVALID_REQUEST, f"{path}: no audio files in this folder.")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise SonotypeError(Code.INVALID_REQUEST, f"{path}: no such file or folder.")
    return list(dict.fromkeys(found))
