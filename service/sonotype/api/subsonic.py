"""What players of the Subsonic family read: the envelope of an answer, and a track as they know it.

Facts: OpenSubsonic API 1.16.1 with its extensions `sonicSimilarity`, `apiKeyAuthentication` and `formPost`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree as ET

from sonotype import __version__
from sonotype.api.m3u8 import path_of
from sonotype.catalog.track import Track
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog.values import Match

API_VERSION = "1.16.1"
EXTENSIONS = ("apiKeyAuthentication", "formPost", "sonicSimilarity")
_NAMESPACE = "http://subsonic.org/restapi"
_GENERIC, _MISSING, _WRONG_KEY, _NO_SUCH_WAY, _CONFLICT, _NOT_FOUND = 0, 10, 44, 42, 43, 70

Envelope = dict[str, Any]


class SubsonicError(Exception):
    """An error in the numbers of that API.

    Args:
        number: see `missing`, `unsupported_login` and `number_of`.
        message: for people.
    """

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number
        self.message = message


def missing(name: str) -> SubsonicError:
    """A parameter that a method needs is not there."""
    return SubsonicError(_MISSING, f"Required parameter '{name}' is missing.")


def unsupported_login() -> SubsonicError:
    """A salted token cannot be checked, because only hashes of the keys are kept."""
    return SubsonicError(
        _NO_SUCH_WAY, "Send the API key as `apiKey`, or as the password `p`; tokens are not supported."
    )


def ambiguous_login() -> SubsonicError:
    """More than one way to log in."""
    return SubsonicError(_CONFLICT, "Send either `apiKey` or `u` with a password, not both.")


def of_ours(error: SonotypeError) -> SubsonicError:
    """One of our errors in that API's numbers."""
    numbers = {Code.NOT_FOUND: _NOT_FOUND, Code.UNAUTHENTICATED: _WRONG_KEY}
    return SubsonicError(numbers.get(error.code, _GENERIC), error.detail)


def envelope(payload: Mapping[str, Any] | None = None, error: SubsonicError | None = None) -> Envelope:
    """The root of an answer."""
    root: Envelope = {
        "status": "ok" if error is None else "failed",
        "version": API_VERSION,
        "type": "sonotype",
        "serverVersion": __version__,
        "openSubsonic": True,
    }
    if error is not None:
        root["error"] = {"code": error.number, "message": error.message}
    return root | dict(payload or {})


def child(track: Track) -> Envelope:
    """A track as a `Child`; only what is known is said."""
    metadata, path = track.metadata, path_of(track)
    known: Envelope = {
        "id": track.id,
        "isDir": False,
        "title": metadata.title or PurePosixPath(path).stem or track.id,
        "type": "music",
        "mediaType": "song",
        "album": metadata.album,
        "artist": metadata.artist,
        "displayArtist": metadata.artist,
        "year": metadata.year,
        "genre": metadata.tags[0] if metadata.tags else None,
        "duration": None if metadata.duration_s is None else round(metadata.duration_s),
        "bpm": None if metadata.tempo_bpm is None else round(metadata.tempo_bpm),
        "path": path,
        "suffix": PurePosixPath(path).suffix.lstrip(".").lower() or None,
        "musicBrainzId": metadata.mbid,
        "isrc": [metadata.isrc] if metadata.isrc else None,
        "genres": [{"name": tag} for tag in metadata.tags] or None,
        "created": track.created_at.isoformat(),
    }
    return {name: value for name, value in known.items() if value is not None}


def sonic_match(match: Match, cosine: float) -> Envelope:
    """A match; 1 is the same recording, 0 the most different, so a cosine to the song asked for below 0 counts as 0."""
    return {"entry": child(match.track), "similarity": round(max(0.0, min(1.0, cosine)), 6)}


def as_xml(root: Envelope) -> bytes:
    """The envelope in XML: scalars are attributes, everything else is elements."""
    element = ET.Element("subsonic-response", xmlns=_NAMESPACE)
    _fill(element, root)
    text: bytes = ET.tostring(element, encoding="utf-8", xml_declaration=True)
    return text


def _fill(element: ET.Element, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, Mapping):
            _fill(ET.SubElement(element, name), value)
        elif isinstance(value, list | tuple):
            for part in value:
                _append(element, name, part)
        else:
            element.set(name, _text(value))


def _append(element: ET.Element, name: str, part: Any) -> None:
    below = ET.SubElement(element, name)
    if isinstance(part, Mapping):
        _fill(below, part)
    else:
        below.text = _text(part)


def _text(value: Any) -> str:
    """Text that XML 1.0 can hold: it has no control characters, not even escaped."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "".join(c for c in str(value) if c in "\t\n\r" or (c >= " " and c not in "\x7f\ufffe\uffff"))
