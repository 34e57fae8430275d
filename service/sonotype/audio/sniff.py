"""What an upload is, by its first bytes. Names and content types sent by the client are never asked.

Only containers that carry audio bytes themselves are known here. Playlists, session descriptions and scripts
(HLS, ffconcat, M3U, SDP), which make a decoder open something else, match nothing and are refused.
"""

from __future__ import annotations

from enum import StrEnum

from sonotype.audio.mpeg import adts_frame, chains, mpeg_frame
from sonotype.core.errors import Code, SonotypeError


class Format(StrEnum):
    """Containers that are decoded."""

    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    MP3 = "mp3"
    M4A = "m4a"
    AAC = "aac"
    WEBM = "webm"
    AIFF = "aiff"


# Streams cut out of a broadcast start in the middle of a frame: so much may stand before the first whole one.
_JUNK_BYTES = 4096
_IMAGE_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1", b"avif", b"avis", b"crx "})


def audio_start(data: bytes | memoryview) -> int:
    """Offset of the first byte after leading ID3v2 tags. The pictures in them are thus never looked at.

    Args:
        data: a whole upload.
    """
    at = 0
    while bytes(data[at : at + 3]) == b"ID3" and at + 10 <= len(data):
        footer = 10 if data[at + 5] & 0x10 else 0
        size = 0
        for byte in data[at + 6 : at + 10]:
            size = size << 7 | byte & 0x7F
        at += 10 + size + footer
    return at


def sniff(data: bytes) -> Format:
    """Name the container of an upload. Costs microseconds, looks at a few kilobytes.

    Args:
        data: a whole upload.

    Raises:
        SonotypeError: UNDECODABLE for no bytes at all, UNSUPPORTED_FORMAT for anything but the known containers.
    """
    if not data:
        raise SonotypeError(Code.UNDECODABLE, "The upload is empty.")
    at = audio_start(data)
    found = by_magic(data[at : at + 4096]) or _by_frames(memoryview(data)[at:], tagged=at > 0)
    if found is None:
        raise SonotypeError(
            Code.UNSUPPORTED_FORMAT,
            "This is none of WAV, FLAC, OGG (Vorbis, Opus), MP3, M4A, AAC, WebM and AIFF.",
        )
    return found


def by_magic(head: bytes) -> Format | None:
    """The container that the first bytes name, None where they name none (yet)."""
    form = head[8:12]
    match head[:4]:
        case b"RIFF" | b"RIFX" | b"RF64" if form == b"WAVE":
            found = Format.WAV
        case b"FORM" if form in (b"AIFF", b"AIFC"):
            found = Format.AIFF
        case b"fLaC":
            found = Format.FLAC
        case b"OggS" if head[4:5] == b"\0":
            found = Format.OGG
        case b"\x1a\x45\xdf\xa3" if _doctype(head) in (b"webm", b"matroska"):
            found = Format.WEBM
        case _ if head[4:8] == b"ftyp" and form not in _IMAGE_BRANDS:
            found = Format.M4A
        case _:
            return None
    return found


def _doctype(head: bytes) -> bytes:
    """The document type of an EBML header (element 0x4282), without its padding."""
    at = head.find(b"\x42\x82", 4, 64)
    if at < 0 or at + 3 > len(head):
        return b""
    return head[at + 3 : at + 3 + (head[at + 2] & 0x7F)].rstrip(b"\0")


def _by_frames(data: memoryview, *, tagged: bool) -> Format | None:
    """Recognise streams without a container by their chain of frames: three, or two where they come first."""
    for frame, name in ((mpeg_frame, Format.MP3), (adts_frame, Format.AAC)):
        if chains(data, 0, frame, 2):
            return name
    if not tagged and not _cut_stream(data):
        return None
    for at in range(1, min(len(data), _JUNK_BYTES)):
        if data[at] == 0xFF:
            for frame, name in ((mpeg_frame, Format.MP3), (adts_frame, Format.AAC)):
                if chains(data, at, frame, 3):
                    return name
    return None


def _cut_stream(data: memoryview) -> bool:
    """Whether the data may be the rest of a frame or padding, rather than text or the file of another kind."""
    head = bytes(data[:16])
    return not head.isascii() or not any(head)
