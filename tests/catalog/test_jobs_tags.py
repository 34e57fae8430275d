"""Tags of real files, written by mutagen as players write them, and tags made to hurt."""

from __future__ import annotations

import asyncio
import base64
import io
import random
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import av
import mutagen.id3 as frames
import numpy as np
import pytest
import soundfile
from mutagen.aiff import AIFF
from mutagen.flac import FLAC, Picture
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from sonotype.audio.tag_fields import MAX_TEXT, read_fields
from sonotype.audio.tag_reader import TagReader

MBID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
PICTURE = b"\x89PNG" + bytes(50_000)
SAID = {
    "title": "Élégie",
    "artist": "Ann & Bo",
    "album": "LP",
    "year": 1999,
    "tags": ["Jazz", "Cool Jazz"],
    "tempo_bpm": 97.5,
    "isrc": "USRC17607839",
    "mbid": MBID,
}


def sound(format: str, subtype: str | None = None) -> io.BytesIO:
    file = io.BytesIO()
    samples = np.random.default_rng(0).uniform(-0.1, 0.1, 24000).astype(np.float32)
    soundfile.write(file, samples, 24000, format=format, subtype=subtype)
    file.seek(0)
    return file


def m4a() -> io.BytesIO:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=24000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 24000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    file.seek(0)
    return file


def id3(kind: Any, format: str) -> io.BytesIO:
    file = sound(format)
    tagged = kind(file)
    tagged.add_tags()
    for frame in (
        frames.TIT2(text="Élégie"),
        frames.TPE1(text="Ann & Bo"),
        frames.TALB(text="LP"),
        frames.TDRC(text="1999-05-01"),
        frames.TCON(text=["8", "Cool Jazz"]),
        frames.TBPM(text="97.5"),
        frames.TSRC(text="USRC17607839"),
        frames.UFID(owner="http://musicbrainz.org", data=MBID.encode()),
        frames.APIC(mime="image/png", data=PICTURE),
    ):
        tagged.tags.add(frame)
    file.seek(0)
    tagged.save(file)
    return file


def comments(kind: Any, format: str, subtype: str | None = None) -> io.BytesIO:
    file = sound(format, subtype)
    tagged = kind(file)
    tagged["title"], tagged["artist"], tagged["album"] = "Élégie", "Ann & Bo", "LP"
    tagged["date"], tagged["genre"], tagged["bpm"] = "1999", ["Jazz; Cool Jazz"], "97,5"
    tagged["isrc"], tagged["musicbrainz_trackid"] = "USRC17607839", MBID
    picture = Picture()
    picture.data = PICTURE
    if isinstance(tagged, FLAC):
        tagged.add_picture(picture)
    else:
        tagged["metadata_block_picture"] = base64.b64encode(picture.write()).decode()
    file.seek(0)
    tagged.save(file)
    return file


def atoms() -> io.BytesIO:
    file = m4a()
    tagged = MP4(file)
    tagged["\xa9nam"], tagged["\xa9ART"], tagged["\xa9alb"], tagged["\xa9day"] = "Élégie", "Ann & Bo", "LP", "1999"
    tagged["\xa9gen"], tagged["tmpo"] = ["Jazz", "Cool Jazz"], [97]
    tagged["----:com.apple.iTunes:ISRC"] = MP4FreeForm(b"USRC17607839")
    tagged["----:com.apple.iTunes:MusicBrainz Track Id"] = MP4FreeForm(MBID.encode())
    tagged["covr"] = [MP4Cover(PICTURE, MP4Cover.FORMAT_PNG)]
    file.seek(0)
    tagged.save(file)
    return file


MAKERS: dict[str, Callable[[], io.BytesIO]] = {
    "mp3": lambda: id3(MP3, "MP3"),
    "wav": lambda: id3(WAVE, "WAV"),
    "aiff": lambda: id3(AIFF, "AIFF"),
    "flac": lambda: comments(FLAC, "FLAC"),
    "vorbis": lambda: comments(OggVorbis, "OGG", "VORBIS"),
    "opus": lambda: comments(OggOpus, "OGG", "OPUS"),
    "m4a": atoms,
}


@pytest.fixture
async def reader() -> AsyncIterator[TagReader]:
    reader = TagReader()
    yield reader
    await reader.aclose()


@pytest.mark.parametrize("format", MAKERS)
def test_every_container_says_the_same(format: str) -> None:
    expected = SAID | ({"tempo_bpm": 97.0} if format == "m4a" else {})
    assert read_fields(MAKERS[format]().getvalue()) == expected


async def test_the_child_says_so_too(reader: TagReader) -> None:
    for format, make in MAKERS.items():
        assert (await reader.read(make().getvalue()) or {}).get("title") == "Élégie", format
    assert await reader.read(sound("WAV").getvalue()) == {}
    assert await reader.read(b"no sound at all") == {}


async def test_a_crafted_file_costs_a_child_at_most(reader: TagReader) -> None:
    """A frame that unpacks to more than the child may have: it fails, and the next file is read."""
    packed = _bomb()
    flags = 0x0009  # compressed, with a data length indicator
    frame = b"TIT2" + _syncsafe(len(packed) + 4) + struct.pack(">H", flags) + _syncsafe(1000) + packed
    assert await reader.read(b"ID3\x04\0\0" + _syncsafe(len(frame)) + frame + bytes(4096)) in (None, {})
    assert (await reader.read(MAKERS["flac"]().getvalue()) or {})["title"] == "Élégie"


async def test_a_cancelled_reading_leaves_no_mess(reader: TagReader) -> None:
    big = MAKERS["mp3"]().getvalue() + bytes(20 << 20)
    reading = asyncio.create_task(reader.read(big))
    await asyncio.sleep(0.05)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert await reader.read(MAKERS["flac"]().getvalue()) == SAID


async def test_damaged_tags_never_hurt(reader: TagReader) -> None:
    chance = random.Random(0)
    for format, make in MAKERS.items():
        whole = make().getvalue()
        for _ in range(12):
            broken = bytearray(whole)
            for _ in range(chance.randint(1, 30)):
                broken[chance.randrange(min(len(broken), 60_000))] = chance.randrange(256)
            found = await reader.read(bytes(broken[: chance.randint(1, len(broken))]))
            assert found is None or set(found) <= set(SAID), format


def test_sizes_are_bounded() -> None:
    file = sound("FLAC")
    tagged = FLAC(file)
    tagged["title"], tagged["genre"] = "x" * 1_000_000, [str(number) for number in range(10_000)]
    tagged["bpm"], tagged["date"] = "0", "unknown"
    file.seek(0)
    tagged.save(file)
    found = read_fields(file.getvalue())
    assert len(found["title"]) == MAX_TEXT
    assert len(found["tags"]) == 256
    assert set(found) == {"title", "tags"}


def _bomb() -> bytes:
    """One and a half gigabytes of zeros, packed without holding them."""
    packer, block = zlib.compressobj(1), bytes(1 << 24)
    return b"".join(packer.compress(block) for _ in range(96)) + packer.flush()


def _syncsafe(value: int) -> bytes:
    return bytes((value >> shift) & 0x7F for shift in (21, 14, 7, 0))
