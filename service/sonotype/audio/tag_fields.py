"""What the tags of a file say of its recording, whatever container they are in. Runs in the tag child only."""

from __future__ import annotations

import codecs
import contextlib
import io
import re
from collections.abc import Iterable
from typing import Any, Final

import mutagen
from mutagen.aac import AAC
from mutagen.aiff import AIFF
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4Tags
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

Fields = dict[str, Any]
_KINDS: Final = (MP3, MP4, FLAC, OggVorbis, OggOpus, OggFLAC, OggSpeex, AIFF, WAVE, AAC)
MAX_TEXT, MAX_TAGS = 4096, 256
# ID3v2.4 (older versions are translated), MP4 atoms, and the names that Vorbis comments and APEv2 share. The
# MusicBrainz keys are those that Picard writes.
_ID3 = {
    "title": ("TIT2",),
    "artist": ("TPE1", "TPE2"),
    "album": ("TALB",),
    "year": ("TDRC", "TDOR"),
    "tags": ("TCON",),
    "tempo_bpm": ("TBPM",),
    "isrc": ("TSRC",),
    "mbid": ("UFID:http://musicbrainz.org",),
}
_MP4 = {
    "title": ("\xa9nam",),
    "artist": ("\xa9ART", "aART"),
    "album": ("\xa9alb",),
    "year": ("\xa9day",),
    "tags": ("\xa9gen",),
    "tempo_bpm": ("tmpo",),
    "isrc": ("----:com.apple.iTunes:ISRC",),
    "mbid": ("----:com.apple.iTunes:MusicBrainz Track Id",),
}
_COMMENTS = {
    "title": ("title",),
    "artist": ("artist", "albumartist", "performer"),
    "album": ("album",),
    "year": ("date", "year", "originaldate"),
    "tags": ("genre",),
    "tempo_bpm": ("bpm", "tempo"),
    "isrc": ("isrc",),
    "mbid": ("musicbrainz_trackid",),
}
_SEPARATORS = re.compile(r"[;|\0]")
_YEAR = re.compile(r"\d{4}")


def read_fields(data: bytes | bytearray) -> Fields:
    """Title, artist, album, year, tempo_bpm, isrc, mbid as far as they are there, and tags (the genres).

    Nothing is checked but the type and a generous length; pictures and everything else stay behind.

    Raises:
        Exception: of any kind, for hostile bytes.
    """
    file = mutagen.File(io.BytesIO(data), options=_KINDS)
    tags = getattr(file, "tags", None)
    if not tags:
        return {}
    keys = _ID3 if isinstance(tags, ID3) else _MP4 if isinstance(tags, MP4Tags) else _COMMENTS
    found = {name: _texts(tags, wanted) for name, wanted in keys.items()}
    fields: Fields = {name: texts[0] for name, texts in found.items() if texts and name != "tags"}
    genres = [genre.strip() for text in found["tags"] for genre in _SEPARATORS.split(text)]
    return _typed(fields) | ({"tags": genres[:MAX_TAGS]} if any(genres) else {})


def rehearse() -> None:
    """Do everything once that opens a file of ours, before that is forbidden: imports, those of codecs among them."""
    for encoding in ("ascii", "latin-1", "utf-8", "utf-16", "utf-16-be", "utf-16-le"):
        codecs.lookup(encoding)
    for start in (b"", b"ID3\4\0\0\0\0\0\0", b"fLaC", b"OggS", b"RIFF\0\0\0\0WAVE", b"\0\0\0\x10ftypM4A "):
        try:
            read_fields(start + bytes(256))
        except Exception:  # noqa: BLE001, S112 - the worker loop: these are no files, and only the imports count
            continue


def _typed(fields: Fields) -> Fields:
    """Year and tempo as numbers; words in their place are dropped."""
    if year := _YEAR.search(fields.pop("year", "")):
        fields["year"] = int(year[0])
    with contextlib.suppress(ValueError):
        if tempo := float(fields.pop("tempo_bpm", "").replace(",", ".")):  # many write 0 for "unknown"
            fields["tempo_bpm"] = tempo
    return fields


def _texts(tags: Any, keys: Iterable[str]) -> list[str]:
    """The values of the first key that is there."""
    for key in keys:
        value = tags.get(key)
        if value is not None and (texts := [text for text in map(_text, _values(value)) if text]):
            return texts[:MAX_TAGS]
    return []


def _values(value: Any) -> list[Any]:
    if hasattr(value, "genres"):
        return list(value.genres)  # ID3 numbers its genres
    if hasattr(value, "data"):
        return [value.data]
    return list(getattr(value, "text", value if isinstance(value, list) else [value]))


def _text(value: Any) -> str:
    text = bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value)
    return text[:MAX_TEXT].encode("utf-8", "replace").decode().strip("\0 \t\r\n")
