"""The commands about tracks, in this process and against a running service: the same documents."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli_kit import CommandLine, Run
from fakeplane import FakePlane
from structlog.testing import capture_logs

from sonotype.cli.seed import read_seeds
from sonotype.core.errors import SonotypeError
from sonotype.plane.catalog.values import PlaylistQuery, Seed, SimilarQuery


@pytest.fixture(params=["local", "remote"])
async def run(
    request: pytest.FixtureRequest, plane: FakePlane, port: int, monkeypatch: pytest.MonkeyPatch, tracks: list[str]
) -> AsyncIterator[Run]:
    monkeypatch.setenv("COLUMNS", "200")
    server = [] if request.param == "local" else ["--server", f"http://127.0.0.1:{port}"]
    command = CommandLine(plane, *server)
    with capture_logs():
        yield command
    assert all(with_catalog for with_catalog, _ in command.opened)


@pytest.fixture
async def tracks(client: httpx.AsyncClient) -> list[str]:
    for number, name in enumerate("abcd"):
        metadata = {"title": f"Song [{name}]", "artist": "Bill Evans", "tags": ["jazz"] if number % 2 else ["live"]}
        body = {"metadata": metadata, "embedding": [1, number, 0, 0]}
        assert (await client.put(f"/v1/tracks/{name}", json=body)).status_code == 201
    return list("abcd")


async def test_list_show_and_delete(run: Run, client: httpx.AsyncClient) -> None:
    listed = await run("tracks", "list", "--json", "--tag", "jazz")
    assert listed.exit_code == 0, listed.output
    assert [track["id"] for track in json.loads(listed.stdout)] == ["b", "d"]
    shown = await run("tracks", "show", "a", "--json")
    assert json.loads(shown.stdout) == (await client.get("/v1/tracks/a")).json()
    table = await run("tracks", "list")
    assert "Song [a]" in table.stdout, "text of users is not markup"
    assert "rock 0.91" in (await run("tracks", "show", "a")).stdout
    assert (await run("tracks", "delete", "a")).exit_code == 0
    gone = await run("tracks", "show", "a")
    assert gone.exit_code == 2
    assert "no such track" in gone.stderr


async def test_similar_takes_seeds_of_every_kind(run: Run, plane: FakePlane, tmp_path: Path) -> None:
    found = await run("similar", "a", "tag:jazz*-0.5", "-k", "2", "--max-per-artist", "2", "--why", "--json")
    assert found.exit_code == 0, found.output
    document = json.loads(found.stdout)
    assert len(document["matches"]) == 2
    query = plane.catalog.asked[-1][0]
    assert isinstance(query, SimilarQuery)
    assert query.seeds == (Seed(track="a"), Seed(tag="jazz", weight=-0.5))
    assert (query.k, query.why, query.constraints.max_per_artist) == (2, True, 2)
    song = tmp_path / "song.wav"
    song.write_bytes(b"RIFF of sorts")
    table = await run("similar", str(song), "--collection", "default")
    assert table.exit_code == 0, table.output
    assert "Bill Evans" in table.stdout
    upload = plane.catalog.asked[-1][1]
    assert upload is not None
    assert upload.data == b"RIFF of sorts"


async def test_why_and_path(run: Run, client: httpx.AsyncClient) -> None:
    said = await run("tracks", "why", "a", "b", "--json")
    assert json.loads(said.stdout) == (await client.get("/v1/tracks/a/similar/b/why")).json()
    assert "Both are by Miles Davis" in (await run("tracks", "why", "a", "b")).stdout
    way = json.loads((await run("tracks", "path", "a", "d", "--count", "4", "--json")).stdout)
    assert [way["matches"][0]["track"]["id"], way["matches"][-1]["track"]["id"]] == ["a", "d"]


async def test_playlists_for_players(run: Run, plane: FakePlane, tmp_path: Path) -> None:
    target = tmp_path / "list.m3u8"
    made = await run("playlist", "a", "--count", "3", "--order", "random", "-o", str(target))
    assert made.exit_code == 0, made.output
    assert target.read_text().startswith("#EXTM3U\n")
    query = plane.catalog.asked[-1]
    query = query[0] if isinstance(query, tuple) else query
    assert isinstance(query, PlaylistQuery)
    assert (query.count, query.order) == (3, "random")
    assert "Bill Evans" in (await run("playlist", "a", "--count", "3")).stdout


async def test_mistakes_are_told_in_one_sentence(run: Run, tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(b"x")
    for arguments in (["similar", "nobody"], ["playlist", str(song)], ["similar", str(song), f"{song}*2"]):
        failed = await run(*arguments)
        assert failed.exit_code == 2, failed.output
        assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("word", "seed"),
    [
        ("abc", {"track": "abc", "weight": 1.0}),
        ("abc*-2", {"track": "abc", "weight": -2.0}),
        ("tag:a*b*.5", {"tag": "a*b", "weight": 0.5}),
        ("prototype:m.cello.0", {"prototype": "m.cello.0", "weight": 1.0}),
        ("track:tag:x", {"track": "tag:x", "weight": 1.0}),
        ("mbid:1", {"track": "mbid:1", "weight": 1.0}),
    ],
)
def test_seeds_are_read_as_typed(word: str, seed: dict[str, Any]) -> None:
    assert read_seeds([word]) == ([seed], None)


@pytest.mark.parametrize("word", ["music/sogn.mp3", "two words", "..", "x/" + "y" * 5000])
def test_what_is_neither_a_file_nor_an_id_is_told(word: str) -> None:
    with pytest.raises(SonotypeError, match="is neither a file nor the id of a track"):
        read_seeds([word])


def test_a_file_named_like_a_weight_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("take*2").write_bytes(b"audio")
    seeds, upload = read_seeds(["take*2"])
    assert seeds == [{"upload": True, "weight": 1.0}]
    assert upload is not None
    assert upload.data == b"audio"
    with pytest.raises(SonotypeError, match="Only one"):
        read_seeds(["take*2", "take*2*3"])
