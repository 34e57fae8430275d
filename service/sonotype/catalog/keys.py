"""Names as 64-bit keys: what ranking compares instead of strings.

A key is a hash of a normalised name; 0 means unknown, and unknown never equals unknown. Two names of a million meet by
chance with probability 3e-8 (birthday bound n^2 / 2^65), and then a list is merely one track shorter.
"""

from __future__ import annotations

import hashlib
import unicodedata

from sonotype.catalog.track import Metadata

UNKNOWN = 0
SEPARATOR = "\x1f"
"""Stands between the parts of a key: normalisation turns it into a space, so it is in no name."""


def normal_name(name: str) -> str:
    """A name as it is compared: without case and compatibility forms, runs of white space as one space.

    The case is that of Unicode's compatibility caseless match (The Unicode Standard, section 3.13, D146).
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", name).casefold())
    return " ".join(unicodedata.normalize("NFKD", folded.casefold()).split())


def name_key(*names: str | None) -> int:
    """The key of one name, or of several together in their order.

    Args:
        names: as people wrote them.

    Returns:
        1 … 2^64 - 1, the same on every machine; `UNKNOWN` where any of the names is missing or blank.
    """
    normal = [normal_name(name or "") for name in names]
    return _hash(normal) if all(normal) else UNKNOWN


def artist_key(metadata: Metadata) -> int:
    """The key of the artist, `UNKNOWN` without one."""
    return name_key(metadata.artist)


def album_key(metadata: Metadata) -> int:
    """The key of album and artist together: every band has its "Greatest Hits". Without an artist, of the album."""
    return name_key("album", metadata.album, metadata.artist) or name_key("album", metadata.album)


def recording_keys(content_sha256: str | None, mbid: str | None, isrc: str | None) -> tuple[int, int, int]:
    """Keys of content hash, MBID and ISRC: two tracks that share one, kind by kind, are one recording.

    Args:
        content_sha256: hash of the audio file (hex).
        mbid: MusicBrainz recording id, in any case.
        isrc: International Standard Recording Code, with or without hyphens.
    """
    bare = (isrc or "").replace("-", "").replace(" ", "")
    return name_key("content", content_sha256), name_key("mbid", mbid), name_key("isrc", bare)


def signed(key: int) -> int:
    """A key as databases without unsigned integers keep it; `array.view(numpy.uint64)` turns a column back."""
    return key - (1 << 64) if key >= 1 << 63 else key


def _hash(parts: list[str]) -> int:
    digest = hashlib.blake2b(SEPARATOR.join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1
