"""Manifests and playlists."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobs_kit import FakeTags, fill, ingest, states

from sonotype.catalog.jobs.job import FileState, JobState
from sonotype.core.errors import Code
from sonotype.plane.catalog.ingest.names import MAX_EXTERNAL_ID, external_id, meant, shown
from sonotype.plane.catalog.ingest.rooted import PassedOverError, parts_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    fill(folder, ["lists/a.wav", "lists/b.wav", "c.wav"])
    return folder


async def test_a_manifest_says_everything(tmp_path: Path, root: Path) -> None:
    (root / "lists" / "m.csv").write_text(
        "\ufeffPath,id,collection,external_id,title,artist,album,year,duration_s,tempo_bpm,mbid,isrc,tags,mood\n"
        'a.wav,t-1,live,x1,"One, two",Ann,LP,1999,61.5,120,8f3471b5-7e6a-48da-86a9-c1c07a0f47ae,US-RC1-76-07839,'
        "Rock| jazz |rock,calm\n"
        "../c.wav\n",
        encoding="utf-8",
    )
    tags = FakeTags({b"sound of lists/a.wav": {"title": "From the file", "tags": ["pop"], "year": 1980}})
    job, files, target = await ingest(tmp_path, root, "lists/m.csv", tags=tags, concurrency=1)
    assert job.state is JobState.COMPLETED
    assert list(files) == ["lists/a.wav", "c.wav"]
    first, second = target.puts
    metadata = first.metadata
    assert (first.id, metadata.collection, metadata.external_id) == ("t-1", "live", "x1")
    assert (metadata.title, metadata.artist, metadata.album, metadata.year) == ("One, two", "Ann", "LP", 1999)
    assert (metadata.duration_s, metadata.tempo_bpm) == (61.5, 120.0)
    assert (metadata.mbid, metadata.isrc) == ("8f3471b5-7e6a-48da-86a9-c1c07a0f47ae", "USRC17607839")
    assert metadata.tags == ("rock", "jazz")
    assert metadata.extra == {"mood": "calm"}
    assert (second.id, second.metadata.external_id, second.metadata.title) == (None, "c.wav", None)


async def test_rows_that_cannot_be_used_do_not_stop_the_others(tmp_path: Path, root: Path) -> None:
    (root / "m.csv").write_text(
        f"path,year\nc.wav,soon\nmissing.wav,\n../../etc/passwd,\n/etc/passwd,\n{root}/lists/b.wav,1999\n,2000\na,b,c\n"
        "lists,\nc.wav,1999\n"
    )
    job, files, target = await ingest(tmp_path, root, "m.csv")
    assert job.state is JobState.COMPLETED_WITH_ERRORS
    assert job.total == 9
    assert files["missing.wav"].code == Code.NOT_FOUND
    assert files["../../etc/passwd"].code == files["/etc/passwd"].code == Code.FORBIDDEN
    assert files["lists"].state is FileState.SKIPPED
    assert files["a"].code == files[""].code == Code.INVALID_REQUEST
    assert sorted(row["external_id"] for row in target.stored()) == ["c.wav", "lists/b.wav"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"title\nx\n",
        b"path,path\na,b\n",
        b"\xff\xfe\0p",
        b'path\n"never closed',
        b"path\n" + b"x" * (1 << 21),
        b"\0",
    ],
)
async def test_a_manifest_that_is_none_fails_the_job(tmp_path: Path, root: Path, content: bytes) -> None:
    (root / "m.csv").write_bytes(content)
    job, _, target = await ingest(tmp_path, root, "m.csv")
    assert job.state is JobState.FAILED
    assert job.error
    assert not target.stored()


async def test_a_playlist_fills_in_for_missing_tags(tmp_path: Path, root: Path) -> None:
    (root / "lists" / "p.m3u").write_bytes(
        b"\xef\xbb\xbf#EXTM3U\r\n#EXTALB:Best of\r\n#EXTINF:12,Ann - B\xe9ton - live\r\na.wav\r\n\r\n# a comment\r\n"
        b"#EXTINF:-1,Only a title\r\n../c.wav\r\n..\\c.wav\r\nhttp://radio.example/stream.mp3\r\n../../x.wav\r\n"
        b"file://" + bytes(root) + b"/lists/b.wav\r\nC:\\Music\\x.mp3\r\n"
    )
    tags = FakeTags({b"sound of c.wav": {"title": "Its own title", "artist": "Its own artist"}})
    job, files, target = await ingest(tmp_path, root, "lists/p.m3u", tags=tags, concurrency=1)
    assert job.state is JobState.COMPLETED_WITH_ERRORS
    assert [(p.metadata.external_id, p.metadata.artist, p.metadata.title, p.metadata.album) for p in target.puts] == [
        ("lists/a.wav", "Ann", "Béton - live", "Best of"),
        ("c.wav", "Its own artist", "Its own title", None),
        ("lists/b.wav", None, None, None),
    ]
    assert files["http://radio.example/stream.mp3"].state is FileState.SKIPPED
    assert files["../../x.wav"].code == Code.FORBIDDEN
    assert job.counts == {FileState.STORED: 3, FileState.UNCHANGED: 1, FileState.SKIPPED: 1, FileState.FAILED: 2}


async def test_a_single_file_is_a_job_too(tmp_path: Path, root: Path) -> None:
    job, files, _ = await ingest(tmp_path, root, "lists/a.wav")
    assert job.state is JobState.COMPLETED
    assert states(files) == {"lists/a.wav": FileState.STORED}


async def test_metadata_beyond_the_limits_is_cut_with_a_note(tmp_path: Path, root: Path) -> None:
    tags = FakeTags(
        {
            b"sound of c.wav": {
                "title": "long " * 2000,
                "artist": "a\0b\ud800\x07",
                "year": 20000,
                "tempo_bpm": 1e9,
                "mbid": "none",
                "isrc": "x",
                "tags": ["y" * 100] + [str(number) for number in range(100)],
            }
        }
    )
    job, files, target = await ingest(tmp_path, root, "c.wav", tags=tags)
    assert job.state is JobState.COMPLETED
    metadata = target.puts[0].metadata
    assert len(metadata.title or "") == 512
    assert metadata.artist == "ab"
    assert (metadata.year, metadata.tempo_bpm, metadata.mbid, metadata.isrc) == (None, None, None, None)
    assert len(metadata.tags) == 64
    assert len(metadata.tags[0]) == 64
    detail = files["c.wav"].detail or ""
    assert all(word in detail for word in ("Title was cut", "year", "tempo_bpm", "mbid", "isrc", "a tag", "64 tags"))


async def test_extra_that_is_too_much_is_dropped(tmp_path: Path, root: Path) -> None:
    (root / "m.csv").write_text(f"path,note\nc.wav,{'n' * 9000}\n")
    _, files, target = await ingest(tmp_path, root, "m.csv")
    assert target.puts[0].metadata.extra == {}
    assert "extra" in (files["c.wav"].detail or "").lower()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_path_can_be_read_back(path: str) -> None:
    assert meant(shown(path)) == path
    assert "\n" not in shown(path)
    assert len(external_id(path)) <= MAX_EXTERNAL_ID


@given(st.lists(st.sampled_from(["a", "b", ".", "..", ""]), min_size=1).map("/".join))
def test_a_path_never_leads_out(path: str) -> None:
    try:
        parts = parts_of(path)
    except PassedOverError:
        return
    assert ".." not in parts


def test_long_paths_stay_different() -> None:
    assert external_id("x" * 4000 + "1") != external_id("x" * 4000 + "2")
