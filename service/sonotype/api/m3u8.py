"""Playlists as M3U8 files: extended M3U in UTF-8, which players read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from sonotype.catalog.track import Track

MEDIA_TYPE = "audio/x-mpegurl"
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


def m3u8(tracks: Iterable[Track], name: str | None = None) -> str:
    """The text of a playlist, one entry per track, in their order.

    An entry's path is what its owner says (`extra["path"]`), else where the file lies below the ingest root, else the
    external id; a track that has none of them is named by its id, so that the list stays whole.
    """
    lines = ["#EXTM3U"]
    if name is not None:
        lines.append(f"#PLAYLIST:{one_line(name)}")
    for track in tracks:
        lines += [f"#EXTINF:{_seconds(track)},{display_name(track)}", path_of(track)]
    return "\n".join(lines) + "\n"


def display_name(track: Track) -> str:
    """`Artist - Title` in one line; failing a title, the name of the file or the id."""
    metadata = track.metadata
    title = metadata.title or PurePosixPath(track.source or metadata.external_id or "").stem or track.id
    return " - ".join(filter(None, (one_line(metadata.artist or ""), one_line(title))))


def path_of(track: Track) -> str:
    """The path of an entry, which neither breaks its line nor looks like a comment."""
    told = track.metadata.extra.get("path")
    owner = told if isinstance(told, str) else None
    path = _escape(owner or track.source or track.metadata.external_id or track.id)
    return f"./{path}" if path.startswith(("#", " ")) else path


def one_line(text: str) -> str:
    """Text without line breaks and other control characters."""
    return _BREAKS.sub(" ", text).strip()


def _seconds(track: Track) -> int:
    """-1 says that the length is unknown."""
    duration_s = track.metadata.duration_s
    return -1 if duration_s is None else round(duration_s)


def _escape(path: str) -> str:
    """A line break cannot stand in a line: percent-encoded it is at least told apart."""
    return _BREAKS.sub(lambda found: "".join(_percent(character) for character in found[0]), path)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
