"""The OpenSubsonic methods that find similar tracks, as players call them."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from fakeplane import FakePlane

from sonotype.api.subsonic import as_xml, envelope
from sonotype.core.errors import Code, SonotypeError

JSON = {"f": "json", "v": "1.16.1", "c": "test"}
XML = "{http://subsonic.org/restapi}"


@pytest.fixture
async def tracks(client: httpx.AsyncClient) -> list[str]:
    for number, name in enumerate("abcd"):
        metadata = {
            "title": f"Song & {name}",
            "artist": "Bill Evans",
            "album": "Trio",
            "duration_s": 61.6,
            "tags": ["jazz"],
        }
        body = {"metadata": metadata | {"external_id": f"x/{name}.flac"}, "embedding": [1, number, 0, 0]}
        assert (await client.put(f"/v1/tracks/{name}", json=body)).status_code == 201
    return list("abcd")


async def ask(client: httpx.AsyncClient, method: str, **fields: Any) -> dict[str, Any]:
    answer = await client.get(f"/rest/{method}", params=JSON | fields)
    assert answer.status_code == 200, "errors come inside the envelope"
    root = answer.json()["subsonic-response"]
    assert (root["version"], root["type"], root["openSubsonic"]) == ("1.16.1", "sonotype", True)
    return dict(root)


async def test_a_player_finds_out_what_there_is(client: httpx.AsyncClient) -> None:
    assert (await ask(client, "ping.view", u="me", t="26719a1196d2a940705a59634eb18eab", s="c19b2d"))["status"] == "ok"
    extensions = (await ask(client, "getOpenSubsonicExtensions"))["openSubsonicExtensions"]
    assert {"name": "sonicSimilarity", "versions": [1]} in extensions
    assert (await ask(client, "getLicense.view"))["license"] == {"valid": True}


async def test_similar_tracks_and_path(client: httpx.AsyncClient, tracks: list[str]) -> None:
    found = (await ask(client, "getSonicSimilarTracks.view", id="a", count=2))["sonicMatch"]
    assert len(found) == 2
    assert all(0 <= match["similarity"] <= 1 for match in found)
    entry = found[0]["entry"]
    assert entry["id"] in {"b", "c", "d"}
    assert entry["isDir"] is False
    assert (entry["suffix"], entry["genre"], entry["duration"]) == ("flac", "jazz", 62)
    way = (await ask(client, "findSonicPath", startSongId="a", endSongId="d", count=4))["sonicMatch"]
    assert [way[0]["entry"]["id"], way[-1]["entry"]["id"]] == ["a", "d"]
    assert way[-1]["similarity"] == 0.25, "to the first song of the way, not to the one before"


async def test_xml_is_what_players_get_who_do_not_say(client: httpx.AsyncClient, tracks: list[str]) -> None:
    answer = await client.post("/rest/getSonicSimilarTracks.view", data={"id": "a", "count": "1"})
    assert answer.headers["content-type"] == "application/xml"
    root = ET.fromstring(answer.content)  # noqa: S314 - our own answer
    assert (root.tag, root.get("status"), root.get("openSubsonic")) == (f"{XML}subsonic-response", "ok", "true")
    match = root.find(f"{XML}sonicMatch")
    assert match is not None
    assert 0 <= float(match.get("similarity", "-1")) <= 1
    entry = match.find(f"{XML}entry")
    assert entry is not None
    assert entry.get("title", "").startswith("Song & ")
    assert b"BillEvans" in as_xml(envelope({"artist": "Bill\x0bEvans"})), "XML cannot hold control characters"


@pytest.mark.parametrize(
    ("method", "fields", "number"),
    [
        ("getSonicSimilarTracks", {}, 10),
        ("findSonicPath", {"startSongId": "a"}, 10),
        ("getSong", {"id": "nobody"}, 70),
        ("getSonicSimilarTracks", {"id": "nobody"}, 70),
        ("getSonicSimilarTracks", {"id": "a", "count": "-3"}, 0),
        ("getSonicSimilarTracks", {"id": "a", "count": "99999"}, 0),
        ("scrobble", {"id": "a"}, 70),
        ("ping", {"apiKey": "k", "u": "me"}, 43),
    ],
)
async def test_errors(
    client: httpx.AsyncClient, tracks: list[str], method: str, fields: dict[str, str], number: int
) -> None:
    root = await ask(client, method, **fields)
    assert (root["status"], root["error"]["code"]) == ("failed", number), root
    assert root["error"]["message"]


async def test_keys(client: httpx.AsyncClient, plane: FakePlane, monkeypatch: pytest.MonkeyPatch) -> None:
    def authenticate(key: str | None) -> str:
        if key != "sesame":
            raise SonotypeError(Code.UNAUTHENTICATED, "no")
        return "key-1"

    monkeypatch.setattr(plane, "authenticate", authenticate)
    for good in ({"apiKey": "sesame"}, {"u": "me", "p": "sesame"}, {"u": "me", "p": "enc:" + b"sesame".hex()}):
        assert (await ask(client, "ping", **good))["status"] == "ok"
        assert (await ask(client, "tokenInfo", **good))["tokenInfo"] == {"username": "key-1"}
    for bad, number in (({"apiKey": "x"}, 44), ({"u": "me", "p": "enc:zz"}, 44), ({"u": "me", "t": "t", "s": "s"}, 42)):
        assert (await ask(client, "ping", **bad))["error"]["code"] == number
    assert (await ask(client, "getOpenSubsonicExtensions"))["status"] == "ok"


async def test_a_form_has_an_end(client: httpx.AsyncClient) -> None:
    answer = await client.post("/rest/ping", params=JSON, data={"id": "a" * 20_000})
    assert answer.json()["subsonic-response"]["status"] == "failed"
