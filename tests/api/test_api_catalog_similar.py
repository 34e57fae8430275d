"""Similarity, reasons, paths and playlists on the REST face."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np
import pytest
from fakecatalog import CURRENT, NEXT, WHY, FakeCatalog
from fakeplane import FakePlane

from sonotype.api.catalog_params import PathParams, PlaylistBody, SimilarBody, SimilarParams, SimilarUploadParams
from sonotype.api.http import schemas_catalog as schemas
from sonotype.api.http.problem import MEDIA_TYPE as PROBLEM
from sonotype.api.m3u8 import m3u8
from sonotype.catalog.port import Range, TrackFilter
from sonotype.catalog.ranking.values import Constraints
from sonotype.catalog.track import Metadata
from sonotype.core.types import Lane, Upload
from sonotype.plane.catalog.values import PathQuery, PlaylistQuery, Seed, SimilarQuery

WAV = {"content-type": "audio/wav"}
DATA = b"RIFF of sorts"
PARAMS: dict[str, Any] = {
    "k": 3,
    "artist": ["Miles Davis", "Bill Evans"],
    "year_max": 1960,
    "max_per_artist": 2,
    "max_per_album": 1,
    "hide_duplicates": "true",
    "exclude": ["b"],
    "tempo_within": 0.1,
    "duration_within": 0.5,
    "diversity": 0.3,
    "hubness": "none",
    "why": "true",
    "exact": "true",
    "timeout_s": 7,
}
ASKED: dict[str, Any] = {
    "k": 3,
    "where": TrackFilter(artists=("Miles Davis", "Bill Evans"), year=Range(None, 1960)),
    "constraints": Constraints(2, 1, True, ("b",), 0.1, 0.5),
    "diversity": 0.3,
    "hubness": "none",
    "why": True,
    "exact": True,
    "timeout_s": 7,
}
BODY: dict[str, Any] = {
    "k": 3,
    "filter": {"artist": ["Miles Davis", "Bill Evans"], "year_max": 1960},
    "constraints": {
        "max_per_artist": 2,
        "max_per_album": 1,
        "hide_duplicates": True,
        "exclude": ["b"],
        "tempo_within": 0.1,
        "duration_within": 0.5,
    },
    "diversity": 0.3,
    "hubness": "none",
    "why": True,
    "exact": True,
    "timeout_s": 7,
}


@pytest.fixture
async def catalog(plane: FakePlane, client: httpx.AsyncClient) -> FakeCatalog:
    for number, name in enumerate("abcd"):
        metadata = {"title": f"Title {name}", "artist": "Miles Davis", "duration_s": 10.4 + number, "year": 1950}
        answer = await client.put(f"/v1/tracks/{name}", json={"metadata": metadata, "embedding": [1, number, 0, 0.5]})
        assert answer.status_code == 201
    return plane.catalog


def detail(answer: httpx.Response, status: int = 400, code: str = "invalid_request") -> str:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    return str(body["detail"])


# --- similar


async def test_similar_to_a_track(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    answer = await client.get("/v1/tracks/a/similar", params={"k": 2})
    body = schemas.MatchesBody.model_validate(answer.json())
    assert [match.track.id for match in body.matches] == ["b", "c"]
    assert body.request_id == answer.headers["x-request-id"]
    assert (body.generation, body.exact, body.degraded, body.hubness) == (
        CURRENT.name,
        False,
        False,
        "mutual_proximity",
    )
    assert body.short_because is None
    for match in answer.json()["matches"]:
        assert "why" not in match
        assert "labels" not in match["track"]
        assert match["similarity"] == round(match["similarity"], 6)


async def test_every_parameter_reaches_the_plane(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    headers = {"x-request-timeout": "9"}
    answer = await client.get("/v1/tracks/a/similar", params=PARAMS, headers=headers)
    assert answer.status_code == 200, answer.text
    assert catalog.asked == [(SimilarQuery((Seed(track="a"),), **ASKED), None)]


async def test_every_field_reaches_the_plane(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    seeds = [{"track": "a"}, {"tag": "vocal", "weight": -0.5}, {"prototype": "pecmae.cello.0", "weight": 2}]
    answer = await client.post("/v1/similar", json=BODY | {"seeds": seeds})
    assert answer.status_code == 200, answer.text
    told = (Seed(track="a"), Seed(tag="vocal", weight=-0.5), Seed(prototype="pecmae.cello.0", weight=2))
    assert catalog.asked == [(SimilarQuery(told, **ASKED), None)]


async def test_similar_to_an_embedding(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    answer = await client.post("/v1/similar", json={"seeds": [{"embedding": [1, 0, 0, 0.5]}], "k": 1})
    assert [match["track"]["id"] for match in answer.json()["matches"]] == ["a"]
    assert answer.json()["matches"][0]["similarity"] == pytest.approx(1, abs=1e-6)
    (query, _), *_ = catalog.asked  # type: ignore[misc]
    np.testing.assert_array_equal(query.seeds[0].embedding, np.float32([1, 0, 0, 0.5]))


async def test_similar_to_an_upload(client: httpx.AsyncClient, catalog: FakeCatalog, plane: FakePlane) -> None:
    raw = await client.post("/v1/similar", params=PARAMS | {"lane": "bulk"}, content=DATA, headers=WAV)
    file = {"file": ("x.wav", DATA)}
    plain = await client.post("/v1/similar", params=PARAMS | {"lane": "bulk"}, files=file)
    form = file | {"query": (None, json.dumps(BODY | {"lane": "bulk"}))}
    without_seeds = await client.post("/v1/similar", files=form)
    form["query"] = (None, json.dumps(BODY | {"lane": "bulk", "seeds": [{"upload": True}]}))
    with_seed = await client.post("/v1/similar", files=form)
    question = SimilarQuery((Seed(upload=True),), lane=Lane.BULK, **ASKED)
    assert catalog.asked == [(question, Upload.of(DATA))] * 4
    answers = [answer.json()["matches"] for answer in (raw, plain, without_seeds, with_seed)]
    assert answers == [answers[0]] * 4
    assert plane.held_bytes == 0


async def test_upload_and_track_are_mixed(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    seeds = [{"upload": True, "weight": 0.5}, {"track": "a"}]
    form = {"file": ("x.wav", DATA), "query": (None, json.dumps({"seeds": seeds}))}
    answer = await client.post("/v1/similar", files=form)
    assert answer.status_code == 200
    (query, upload), *_ = catalog.asked  # type: ignore[misc]
    assert query.seeds == (Seed(upload=True, weight=0.5), Seed(track="a"))
    assert upload == Upload.of(DATA)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "1 to 64 seeds"),
        ({"seeds": []}, "1 to 64 seeds"),
        ({"seeds": [{"upload": True}]}, "there is none"),
        ({"seeds": [{}]}, "exactly one of"),
        ({"seeds": [{"track": "a", "tag": "x"}]}, "exactly one of"),
        ({"seeds": [{"track": "a", "weight": -1}]}, "positive weight"),
        ({"seeds": [{"track": "a", "weight": 0}]}, "weight"),
        ({"seeds": [{"track": "a", "weight": 1e9}]}, "weight"),
        ({"seeds": [{"trak": "a"}]}, "trak"),
        ({"seeds": [{"embedding": [1, 2]}]}, "must have 4 numbers, not 2"),
        ({"seeds": [{"track": "a"}] * 65}, "64"),
        ({"seeds": [{"track": "a"}], "k": 0}, "k"),
        ({"seeds": [{"track": "a"}], "k": 501}, "500"),
        ({"seeds": [{"track": "a"}], "k": "3"}, "k"),
        ({"seeds": [{"track": "a"}], "diversity": 1.5}, "diversity"),
        ({"seeds": [{"track": "a"}], "hubness": "local"}, "hubness"),
        ({"seeds": [{"track": "a"}], "filter": {"mood": "x"}}, "filter.mood"),
        ({"seeds": [{"track": "a"}], "constraints": {"max_per_artist": 0}}, "max_per_artist"),
    ],
)
async def test_bad_questions(client: httpx.AsyncClient, catalog: FakeCatalog, body: dict[str, Any], told: str) -> None:
    assert told in detail(await client.post("/v1/similar", json=body))


async def test_a_file_that_no_seed_names(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    form = {"file": ("x.wav", DATA), "query": (None, '{"seeds": [{"track": "a"}]}')}
    assert "No seed names the upload" in detail(await client.post("/v1/similar", files=form))
    form["query"] = (None, '{"k": 1}')
    assert "belong in it" in detail(await client.post("/v1/similar?k=2", files=form))
    assert "belong in it" in detail(await client.post("/v1/similar?k=2", json={"seeds": [{"track": "a"}]}))


async def test_unknown_tracks(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    for answer in (
        await client.get("/v1/tracks/nobody/similar"),
        await client.get("/v1/tracks/a/similar/nobody/why"),
        await client.get("/v1/tracks/nobody/path/a"),
        await client.post("/v1/similar", json={"seeds": [{"track": "nobody"}]}),
        await client.post("/v1/playlists", json={"seeds": [{"track": "nobody"}]}),
    ):
        assert detail(answer, 404, "not_found") == "There is no such track."


async def test_a_short_answer_says_why(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    body = (await client.get("/v1/tracks/a/similar?artist=Nobody")).json()
    assert (body["matches"], body["short_because"]) == ([], "The filter leaves fewer tracks.")


# --- reasons, ways


async def test_why(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    body = (await client.get("/v1/tracks/a/similar/b/why")).json()
    shown = schemas.WhyBody.model_validate(body)
    assert shown.sentence == WHY.sentence
    assert (shown.same, shown.tags, shown.similarity) == (["artist", "album"], ["jazz"], 0.876543)
    assert body["prototypes"][0] == {
        "prototype": "pecmae.cello.0",
        "model": "pecmae@1",
        "label": "cello",
        "share_a": 1.2,
        "share_b": 0.6,
        "strength": 0.5,
        "url": "/v1/prototypes/pecmae.cello.0",
    }
    matches = (await client.get("/v1/tracks/a/similar?why=true")).json()["matches"]
    assert all(match["why"] == body for match in matches)
    detail(await client.get("/v1/tracks/a/similar/b/why?k=1"))


async def test_path(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    answer = await client.get("/v1/tracks/a/path/b", params={"count": 7, "max_per_artist": 2, "tag": "jazz"})
    body = schemas.MatchesBody.model_validate(answer.json())
    assert [match.track.id for match in body.matches] == ["a", "b"]
    assert body.degraded is True
    asked = PathQuery("a", "b", 7, TrackFilter(tags=("jazz",)), Constraints(max_per_artist=2))
    assert catalog.asked == [asked]
    for bad in ("/v1/tracks/a/path/b?count=1", "/v1/tracks/a/path/b?count=101", "/v1/tracks/a/path/b?k=3"):
        detail(await client.get(bad))
    assert "two different" in detail(await client.get("/v1/tracks/a/path/a"))


# --- playlists


async def test_playlist_as_json(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    body = {
        "seeds": [{"track": "a"}],
        "count": 2,
        "filter": {"tag": []},
        "constraints": {"max_per_album": 1},
        "diversity": 0.4,
        "order": "random",
        "artist_gap": 3,
        "include_seeds": False,
        "random_seed": 9,
    }
    answer = await client.post("/v1/playlists", json=body)
    shown = schemas.MatchesBody.model_validate(answer.json())
    assert [match.track.id for match in shown.matches] == ["a", "b"]
    assert answer.headers["vary"] == "accept"
    asked = PlaylistQuery(
        (Seed(track="a"),),
        count=2,
        constraints=Constraints(max_per_album=1),
        diversity=0.4,
        order="random",
        artist_gap=3,
        include_seeds=False,
        random_seed=9,
    )
    assert catalog.asked == [asked]


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("?format=m3u8", "*/*"),
        ("", "audio/x-mpegurl"),
        ("", "text/html, application/vnd.apple.mpegurl;q=0.9"),
        ("?format=m3u8", "application/json"),
    ],
)
async def test_playlist_as_m3u8(client: httpx.AsyncClient, catalog: FakeCatalog, query: str, accept: str) -> None:
    body = {"seeds": [{"track": "a"}], "count": 2}
    answer = await client.post(f"/v1/playlists{query}", json=body, headers={"accept": accept})
    assert answer.headers["content-type"] == "audio/x-mpegurl; charset=utf-8"
    assert answer.text == "#EXTM3U\n#EXTINF:10,Miles Davis - Title a\na\n#EXTINF:11,Miles Davis - Title b\nb\n"


async def test_json_wins_where_it_is_asked_for(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    answer = await client.post(
        "/v1/playlists?format=json", json={"seeds": [{"track": "a"}]}, headers={"accept": "audio/x-mpegurl"}
    )
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "seeds"),
        ({"seeds": [{"upload": True}]}, "there is none"),
        ({"seeds": [{"track": "a"}], "count": 501}, "count"),
        ({"seeds": [{"track": "a"}], "order": "best"}, "order"),
        ({"seeds": [{"track": "a"}], "artist_gap": -1}, "artist_gap"),
        ({"seeds": [{"track": "a"}], "name": "x"}, "name"),
    ],
)
async def test_bad_playlists(client: httpx.AsyncClient, catalog: FakeCatalog, body: dict[str, Any], told: str) -> None:
    answer = await client.post("/v1/playlists", json=body)
    assert told in detail(answer)
    assert answer.headers["content-type"] == PROBLEM
    detail(await client.post("/v1/playlists?format=xspf", json={"seeds": [{"track": "a"}]}))
    detail(await client.post("/v1/playlists", content=b"x", headers=WAV), 415, "unsupported_format")


async def test_an_entry_of_m3u8_stays_in_its_lines(catalog: FakeCatalog) -> None:
    track = catalog.stored["a"]

    def entry(source: str | None = None, **metadata: Any) -> list[str]:
        told = Metadata(**metadata)
        made = type(track)("id", told, None, (), (), (), source, track.created_at, track.updated_at)
        return m3u8([made]).splitlines()[1:]

    assert entry() == ["#EXTINF:-1,id", "id"]
    assert entry(title="a\r\nb", artist="Bj\u00f6rk\u2028") == ["#EXTINF:-1,Bj\u00f6rk - a b", "id"]
    assert entry("jazz/01 x.flac", external_id="e") == ["#EXTINF:-1,01 x", "jazz/01 x.flac"]
    assert entry("s", external_id="e", extra={"path": "/m/a.mp3"})[1] == "/m/a.mp3"
    assert entry(external_id="e", extra={"path": 3})[1] == "e"
    assert entry("a\nb#.mp3")[1] == "a%0Ab#.mp3"
    assert entry("#1.mp3", duration_s=61.6) == ["#EXTINF:62,#1", "./#1.mp3"]
    assert m3u8([], "My\nlist") == "#EXTM3U\n#PLAYLIST:My list\n"


# --- the whole


async def test_catalog(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    body = schemas.CatalogBody.model_validate((await client.get("/v1/catalog")).json())
    assert (body.engine, body.tracks, body.stale, body.writable, body.bytes) == ("embedded", 4, 0, True, 4096)
    assert [generation.name for generation in body.generations] == [NEXT.name, CURRENT.name]
    detail(await client.get("/v1/catalog?x=1"))


async def test_promote(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    answer = await client.post(f"/v1/catalog/generations/{CURRENT.name}/promote")
    assert schemas.GenerationBody.model_validate(answer.json()).current is True
    refused = await client.post(f"/v1/catalog/generations/{NEXT.name}/promote")
    assert "0.812" in detail(refused, 409, "conflict")
    detail(await client.post("/v1/catalog/generations/none/promote"), 404, "not_found")


def test_defaults_are_those_of_the_plane() -> None:
    seeds = (Seed(track="a"),)
    assert SimilarParams().query(seeds) == SimilarUploadParams().query(seeds) == SimilarQuery(seeds)
    assert SimilarBody(seeds=[{"track": "a"}]).query() == SimilarQuery(seeds)  # type: ignore[list-item]
    assert PathParams().query("a", "b") == PathQuery("a", "b")
    assert PlaylistBody(seeds=[{"track": "a"}]).query() == PlaylistQuery(seeds)  # type: ignore[list-item]
