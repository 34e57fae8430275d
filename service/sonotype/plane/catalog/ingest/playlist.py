"""A playlist: M3U, the format of a line per file with comments that say more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from sonotype.catalog.jobs.job import FileState
from sonotype.catalog.jobs.rows import Listed
from sonotype.plane.catalog.ingest.entry import Entry, below, refused
from sonotype.plane.catalog.ingest.lines import folder_of, lines_of
from sonotype.plane.catalog.ingest.rooted import PassedOverError, Root

# Directives that say something of the next file, in the place of a tag that the file does not have.
_SAYS = {"#EXTART:": "artist", "#EXTALB:": "album"}


def read_playlist(root: Root, root_path: str, path: str) -> Iterator[Listed]:
    """The files of a playlist, in its order; paths are relative to its folder.

    `#EXTINF:<seconds>,<artist> - <title>` stands in for missing tags; other comments are passed over. An `.m3u`
    without UTF-8 is read as Windows wrote it.

    Raises:
        SonotypeError: `invalid_request` where this is no text.
        PassedOverError: it cannot be read.
    """
    said: dict[str, Any] = {}
    number = 0
    for line in lines_of(root, path, fallback="cp1252"):
        text = line.strip("\r\n \t")
        if text.startswith("#"):
            said |= _directive(text)
        elif text:
            yield _listed(number, text, said, root_path, folder_of(path))
            number, said = number + 1, {}


def _listed(number: int, written: str, said: dict[str, Any], root_path: str, base: str) -> Listed:
    try:
        return Entry(below(root_path, base, _path(written)), fallback=said).listed(number)
    except PassedOverError as error:
        return refused(number, written, error)


def _path(written: str) -> str:
    scheme = urlsplit(written).scheme if "://" in written else ""
    if scheme == "file":
        return unquote(urlsplit(written).path)
    if scheme:
        raise PassedOverError(FileState.SKIPPED, "It is an address; only files are ingested.")
    # Windows writes backslashes, and no Unix path lacks a slash but holds one.
    return written.replace("\\", "/") if "/" not in written else written


def _directive(text: str) -> dict[str, Any]:
    if text.startswith("#EXTINF:"):
        return _extinf(text.removeprefix("#EXTINF:").partition(",")[2].strip())
    for directive, name in _SAYS.items():
        if text.startswith(directive) and (value := text.removeprefix(directive).strip()):
            return {name: value}
    return {}


def _extinf(words: str) -> dict[str, Any]:
    artist, dash, title = words.partition(" - ")
    if dash and artist.strip() and title.strip():
        return {"artist": artist.strip(), "title": title.strip()}
    return {"title": words} if words else {}
