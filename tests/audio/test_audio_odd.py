"""Files that lie, break off, or want something else than to be decoded: each has a documented answer."""

from __future__ import annotations

import io
import socket
import struct
import time
from pathlib import Path

import audio_kit
import numpy as np
import pytest
import soundfile
from audio_kit import decode, music, sndfile

from sonotype.audio.backends import select
from sonotype.audio.backends.block import UnreadableError
from sonotype.audio.backends.libav import LibavSource
from sonotype.audio.blob import Blob
from sonotype.audio.sniff import Format
from sonotype.audio.wire import Backend
from sonotype.core.errors import Code, SonotypeError

BACKENDS: tuple[Backend, ...] = ("auto", "sndfile", "libav")


def code_of(data: bytes, backend: Backend = "auto", **options: float) -> Code:
    with pytest.raises(SonotypeError) as caught:
        decode(data, backend, **options)
    assert "/" not in caught.value.detail
    return caught.value.code


def test_ten_hours_of_silence_are_refused_in_under_a_second() -> None:
    for total in (None, 48000, 0):
        bomb = audio_kit.flac_silence(36_000, total)
        for backend in BACKENDS:
            began = time.process_time()
            assert code_of(bomb, backend) is Code.AUDIO_TOO_LONG
            assert time.process_time() - began < 1.0


@pytest.mark.parametrize("total", [0, 4800, 132_299, 132_300])
def test_flac_is_decoded_by_what_is_in_it(files: dict[str, bytes], total: int) -> None:
    honest, _ = decode(files["flac"])
    for backend in BACKENDS:
        samples, facts = decode(audio_kit.set_flac_total(files["flac"], total), backend)
        assert facts.duration_s == 3.0
        assert not facts.truncated
        assert audio_kit.snr_db(honest, samples) > 90


@pytest.mark.parametrize("total", [480_000, (1 << 36) - 1])
def test_flac_that_promises_more_is_truncated(files: dict[str, bytes], total: int) -> None:
    for backend in BACKENDS:
        samples, facts = decode(audio_kit.set_flac_total(files["flac"], total), backend)
        assert (len(samples), facts.truncated) == (48000, True)


@pytest.mark.parametrize(
    ("at", "value", "expected"),
    [
        (24, 1, Code.UNSUPPORTED_FORMAT),
        (24, 2**31 - 1, Code.UNSUPPORTED_FORMAT),
        (24, 3999, Code.UNSUPPORTED_FORMAT),
        (24, 384_001, Code.UNSUPPORTED_FORMAT),
        (22, 9 | 16 << 16, Code.UNSUPPORTED_FORMAT),
        (22, 1 | 16 << 16, None),
    ],
)
def test_absurd_headers(files: dict[str, bytes], at: int, value: int, expected: Code | None) -> None:
    if at == 22:  # channels share their 32 bits with the format tag before or the rate behind
        data = files["wav"][:22] + struct.pack("<H", value & 0xFFFF) + files["wav"][24:]
    else:
        data = audio_kit.set_u32(files["wav"], at, value)
    began = time.perf_counter()
    if expected is None:
        assert decode(data)[1].channels == 1
    else:
        assert code_of(data) is expected
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize("channels", [0, 1024])
def test_no_channels_and_very_many(files: dict[str, bytes], channels: int) -> None:
    data = files["wav"][:22] + struct.pack("<H", channels) + files["wav"][24:]
    assert code_of(data) in (Code.UNSUPPORTED_FORMAT, Code.UNDECODABLE)


def test_nothing_in_it_and_too_little(files: dict[str, bytes]) -> None:
    for kind in ("WAV", "FLAC", "AIFF"):
        assert code_of(sndfile(music(3.0)[:0], kind)) is Code.UNDECODABLE
        assert code_of(sndfile(music(3.0)[:1000], kind)) is Code.AUDIO_TOO_SHORT
    for data in (files["wav"][:12], files["wav"][:44], files["flac"][:42], files["ogg-vorbis"][:200], b"OggS\0"):
        assert code_of(data) is Code.UNDECODABLE
    assert code_of(files["wav"], offset_s=10.0) is Code.AUDIO_TOO_SHORT


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused(bad: float) -> None:
    samples = music(3.0)
    samples[100_000, 1] = bad
    for backend in BACKENDS:
        assert code_of(sndfile(samples, "WAV", "FLOAT"), backend) is Code.NON_FINITE


def test_huge_samples_are_brought_to_the_ceiling() -> None:
    for value, expected in ((3e38, 1000.0), (-3e38, -1000.0), (3.0, 3.0)):
        data = sndfile(np.full((16000, 2), value, np.float32), "WAV", "FLOAT", 16000)
        samples, facts = decode(data)
        assert facts.clipped
        np.testing.assert_allclose(samples, expected, rtol=1e-6)


def test_clipped_and_silent() -> None:
    assert decode(sndfile(np.clip(5 * music(1.0), -1, 1), "WAV"))[1].clipped
    one = 0.5 * music(1.0)
    one[100] = 1.0
    assert not decode(sndfile(one, "WAV"))[1].clipped
    assert decode(sndfile(0.00005 * music(1.0), "WAV", "FLOAT"))[1].silent
    assert not decode(sndfile(0.01 * music(1.0), "WAV", "FLOAT"))[1].silent


@pytest.mark.parametrize(
    "name", ["wav", "wav-float", "aiff", "flac", "ogg-vorbis", "ogg-opus", "mp3", "aac", "webm-opus", "webm-vorbis"]
)
def test_a_file_cut_in_half_gives_what_is_there(files: dict[str, bytes], name: str) -> None:
    whole, _ = decode(files[name])
    samples, facts = decode(files[name][: len(files[name]) // 2 + 33])
    assert facts.truncated
    # Ogg pages and Matroska clusters hold up to a second that is lost as a whole.
    assert 0.9 < facts.duration_s < 1.6
    common = len(samples) - 2000
    assert audio_kit.snr_db(whole[:common], samples[:common]) > 60


def test_m4a_whole_cut_and_with_its_index_at_either_end() -> None:
    at_end = audio_kit.libav(music(3.0), "ipod", "aac")
    in_front = audio_kit.libav(music(3.0), "ipod", "aac", movflags="faststart")
    assert at_end.find(b"moov") > at_end.find(b"mdat")
    assert in_front.find(b"moov") < in_front.find(b"mdat")
    np.testing.assert_array_equal(decode(at_end)[0], decode(in_front)[0])
    _, facts = decode(in_front[: len(in_front) // 2])
    assert facts.truncated
    assert 1.2 < facts.duration_s < 1.6
    assert code_of(at_end[: len(at_end) // 2]) is Code.UNDECODABLE  # without its index nothing can be found


def test_m4a_in_fragments() -> None:
    flags = "frag_keyframe+empty_moov+default_base_moof"
    data = audio_kit.libav(music(3.0), "mp4", "aac", movflags=flags, frag_duration="500000")
    assert decode(data)[1].duration_s == pytest.approx(3.0, abs=0.05)
    assert decode(data[: len(data) // 2])[1].truncated


@pytest.mark.parametrize("muxer", ["mp4", "matroska", "mov"])
def test_of_a_video_only_the_sound_is_decoded(muxer: str) -> None:
    samples, facts = decode(audio_kit.libav(music(3.0), muxer, "aac", video=True))
    assert facts.duration_s == pytest.approx(3.0, abs=0.05)
    assert np.std(samples) > 0.1


def test_a_video_without_sound_is_undecodable(tmp_path: Path) -> None:
    assert code_of(audio_kit.silent_film(tmp_path / "film.mp4")) is Code.UNDECODABLE


def test_an_ogg_that_libav_refuses_is_libsndfiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole Vorbis files of published games were refused for their first page's position, which is below 0."""

    class Refusing:
        def __init__(self, kind: Format, blob: Blob) -> None:
            raise UnreadableError

    data = sndfile(music(3.0), "OGG", "VORBIS")
    expected, _ = decode(data)
    monkeypatch.setattr(select, "LibavSource", Refusing)
    samples, facts = decode(data)
    assert facts.duration_s == pytest.approx(3.0, abs=0.1)
    assert audio_kit.snr_db(expected[: len(samples)], samples[: len(expected)]) > 40
    assert code_of(data, "libav") is Code.UNDECODABLE


def test_a_chained_ogg_is_decoded_link_by_link(files: dict[str, bytes]) -> None:
    other = sndfile(music(2.0, 48000, 1), "OGG", "VORBIS", 48000)
    samples, facts = decode(files["ogg-vorbis"] + other + files["ogg-opus"])
    parts = [decode(part)[0] for part in (files["ogg-vorbis"], other, files["ogg-opus"])]
    # Links of one rate share a resampler, so that there is no seam; alone, each has two ends.
    assert audio_kit.snr_db(np.concatenate(parts), samples) > 60
    assert (facts.sample_rate_hz, facts.channels, facts.truncated) == (44100, 2, False)
    assert facts.duration_s == pytest.approx(8.0)
    half = decode(files["ogg-vorbis"] + other[: len(other) // 2])[1]
    assert half.truncated


def test_a_chain_counts_as_one_clip() -> None:
    link = sndfile(music(2.0), "OGG", "VORBIS")
    assert code_of(link * 4, max_clip_s=7.0) is Code.AUDIO_TOO_LONG
    assert decode(link * 3, max_clip_s=7.0)[1].duration_s == pytest.approx(6.0)


def test_mp3_without_a_xing_header_is_decoded_to_its_end(files: dict[str, bytes]) -> None:
    for backend in BACKENDS:
        assert decode(audio_kit.without_xing(files["mp3"]), backend)[1].duration_s == pytest.approx(3.03, abs=0.03)


def test_mp3_of_variable_rate_without_header_is_not_cut_by_an_estimate() -> None:
    """Libsndfile alone estimates the length from the first, loud frames, and stops at a quarter of the file."""
    noise = 0.5 * np.random.default_rng(0).standard_normal((2 * 44100, 2))
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", 44100, 2, format="MP3", bitrate_mode="VARIABLE", compression_level=0.1) as file:
        file.write(np.concatenate([noise, np.zeros((8 * 44100, 2))]))
    assert decode(audio_kit.without_xing(out.getvalue()))[1].duration_s == pytest.approx(10.0, abs=0.1)


@pytest.mark.parametrize(("frames", "truncated"), [(20, False), (99_999, True)])
def test_mp3_with_a_forged_frame_count(files: dict[str, bytes], frames: int, truncated: bool) -> None:
    data = files["mp3"]
    at = max(data.find(b"Info"), data.find(b"Xing")) + 8
    forged = data[:at] + struct.pack(">I", frames) + data[at + 4 :]
    for backend in ("auto", "libav"):
        _, facts = decode(forged, backend)
        assert facts.duration_s == pytest.approx(3.0, abs=0.03)
        assert facts.truncated is truncated


def test_a_picture_before_the_music_is_not_touched(files: dict[str, bytes]) -> None:
    plain, _ = decode(files["mp3"])
    samples, facts = decode(audio_kit.id3(40_000_000) + files["mp3"])
    np.testing.assert_array_equal(samples, plain)
    assert not facts.truncated


@pytest.mark.parametrize(
    ("size", "seconds", "truncated"),
    [(0, 3.0, False), (0xFFFFFFFF, 3.0, False), (10**7, 3.0, True), (88_200, 0.5, False)],
)
def test_wav_with_another_data_size(files: dict[str, bytes], size: int, seconds: float, truncated: bool) -> None:
    at = files["wav"].find(b"data") + 4
    for backend in BACKENDS:
        facts = decode(audio_kit.set_u32(files["wav"], at, size), backend)[1]
        assert (facts.duration_s, facts.truncated) == (seconds, truncated)


def test_playlists_open_nothing_even_if_forced_on_every_demuxer(files: dict[str, bytes], tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp3"
    secret.write_bytes(files["mp3"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.0)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/a.mp3"
        for target in (f"file://{secret}", str(secret), address):
            texts = [
                f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n",
                f"ffconcat version 1.0\nfile '{target}'\n",
                f"{target}\n",
                f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\na=control:{target}\n",
            ]
            for text in texts:
                assert code_of(text.encode()) is Code.UNSUPPORTED_FORMAT
                for kind in Format:
                    assert forced(kind, text.encode()) == 0
        with pytest.raises(BlockingIOError):
            listener.accept()


def forced(kind: Format, data: bytes) -> int:
    """Samples that a demuxer makes of data that is not its own."""
    try:
        return sum(len(block.samples) for block in LibavSource(kind, Blob.of(data).reader()).blocks())
    except (UnreadableError, SonotypeError):
        return 0
