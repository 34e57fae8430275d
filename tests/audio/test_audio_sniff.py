"""Containers are told by their bytes alone."""

from __future__ import annotations

import contextlib
import struct
import time

import audio_kit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sonotype.audio.sniff import Format, audio_start, sniff
from sonotype.core.errors import Code, SonotypeError

PLAYLISTS = {
    "hls": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "hls-http": b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.mp3\n",
    "m3u": b"/etc/passwd\nhttp://127.0.0.1:9/\n",
    "ffconcat": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "pls": b"[playlist]\nFile1=http://127.0.0.1:9/\n",
    "dash": b'<?xml version="1.0"?><MPD><BaseURL>file:///etc/passwd</BaseURL></MPD>',
}
OTHERS = {
    "text": b"The quick brown fox. " * 300,
    "png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
    "avi": b"RIFF" + struct.pack("<I", 5000) + b"AVI LIST" + bytes(5000),
    "webp": b"RIFF" + struct.pack("<I", 5000) + b"WEBPVP8 " + bytes(5000),
    "heic": b"\0\0\0\x18ftypheic" + bytes(100),
    "zeros": bytes(10_000),
    "one byte": b"\xff",
    "elf": b"\x7fELF" + bytes(500),
    "8svx": b"FORM\0\0\1\0" + b"8SVX" + bytes(256),
    "ebml of another kind": b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88document",
    "only a tag": audio_kit.id3(1000),
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wav", Format.WAV),
        ("aiff", Format.AIFF),
        ("flac", Format.FLAC),
        ("ogg-vorbis", Format.OGG),
        ("ogg-opus", Format.OGG),
        ("mp3", Format.MP3),
        ("m4a", Format.M4A),
        ("aac", Format.AAC),
        ("webm-opus", Format.WEBM),
    ],
)
def test_every_container_is_known(files: dict[str, bytes], name: str, expected: Format) -> None:
    assert sniff(files[name]) is expected


@pytest.mark.parametrize("data", [*PLAYLISTS.values(), *OTHERS.values()], ids=[*PLAYLISTS, *OTHERS])
def test_everything_else_is_refused(data: bytes) -> None:
    with pytest.raises(SonotypeError) as caught:
        sniff(data)
    assert caught.value.code is Code.UNSUPPORTED_FORMAT


def test_nothing_is_undecodable() -> None:
    with pytest.raises(SonotypeError) as caught:
        sniff(b"")
    assert caught.value.code is Code.UNDECODABLE


def test_a_huge_picture_before_an_mp3_is_stepped_over(files: dict[str, bytes]) -> None:
    tag = audio_kit.id3(40_000_000)
    began = time.perf_counter()
    assert sniff(tag + tag + files["mp3"]) is Format.MP3
    assert audio_start(tag + files["flac"]) == len(tag)
    assert sniff(tag + files["flac"]) is Format.FLAC
    assert time.perf_counter() - began < 1.0


def test_an_mp3_may_start_in_the_middle_of_a_frame(files: dict[str, bytes]) -> None:
    bare = audio_kit.without_xing(files["mp3"])
    assert sniff(bare) is Format.MP3
    assert sniff(bare[100:]) is Format.MP3
    assert sniff(bytes(1000) + bare) is Format.MP3


def test_a_playlist_with_music_behind_it_stays_a_playlist(files: dict[str, bytes]) -> None:
    for text in PLAYLISTS.values():
        with pytest.raises(SonotypeError):
            sniff(text + audio_kit.without_xing(files["mp3"]))


def test_one_sync_word_is_not_an_mp3() -> None:
    with pytest.raises(SonotypeError):
        sniff(b"\xff\xfb\x90\x64" + b"\x55" * 4000)


@given(st.binary(max_size=3000))
def test_any_bytes_give_a_format_or_a_refusal(data: bytes) -> None:
    with contextlib.suppress(SonotypeError):
        assert sniff(data) in Format
