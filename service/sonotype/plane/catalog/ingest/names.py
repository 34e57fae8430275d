"""How a path on the disk is written: in answers, as an external id, and as a key that sorts."""

from __future__ import annotations

import hashlib
import os
import re

from sonotype.plane.catalog.limits import MAX_EXTERNAL_ID

# Only how a folder is searched: what a file really is, its bytes decide.
SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".mp4"}
    | {".aac", ".webm", ".mka", ".mkv", ".aif", ".aiff", ".aifc"}
)
_TO_ESCAPE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\\\\]")


def is_audio_name(name: str) -> bool:
    """Whether a name ends like that of an audio file."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def shown(path: str) -> str:
    r"""A path as text: control characters and bytes that are no UTF-8 become `\xNN`, a backslash is doubled."""
    plain = _TO_ESCAPE.sub(lambda found: found[0].encode("unicode_escape").decode(), path)
    return plain.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def meant(text: str) -> str:
    """The path that `shown` wrote as this text."""
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape")


def is_utf8(path: str) -> bool:
    """Whether a path from the system is text."""
    return not any("\ud800" <= character <= "\udfff" for character in path)


def external_id(path: str) -> str:
    """The external id of a file: its path, escaped; the end of an endless one is replaced by a hash."""
    text = shown(path)
    if len(text) <= MAX_EXTERNAL_ID:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text[: MAX_EXTERNAL_ID - len(digest) - 1]}#{digest}"


def place_of(path: str) -> bytes:
    """A key that sorts a folder's files together, and the same on every machine."""
    return os.fsencode(path).replace(b"/", b"\0")
