"""What the page asks concerning the catalogue, and the fields that it reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakecatalog import CURRENT, QUEUED
from fakeplane import FakePlane

from sonotype.api.http import create_app
from sonotype.api.web.routes import assets
from sonotype.catalog.jobs.job import FileState, JobFile, JobState
from sonotype.core.settings import Settings

AUDIO = {"content-type": "application/octet-stream"}
EVIL = '<img src=x onerror="alert(1)"> & "Ünïcode"'
MODULES = ("add", "alike", "catalogue", "events", "job", "jobs", "ordered", "similar", "track", "tracks", "tray", "why")


def text(name: str) -> str:
    return assets()[name].content.decode()


async def stored(client: httpx.AsyncClient, title: str, content: bytes = b"RIFF") -> dict[str, Any]:
    """A track as `add.js` sends it."""
    params = {"title": title, "collection": "default", "artist": "Miles Davis"}
    answer = await client.post("/v1/tracks", params=params, content=content, headers=AUDIO)
    assert answer.status_code in {200, 201}
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
async def pair(client: httpx.AsyncClient) -> tuple[str, str]:
    """Ids of two tracks."""
    return (await stored(client, "one", b"RIFF 1"))["id"], (await stored(client, "two", b"RIFF 2"))["id"]


async def test_the_state_line_has_what_it_says(client: httpx.AsyncClient) -> None:
    body = (await client.get("/v1/catalog")).json()
    assert {"tracks", "stale", "generations", "writable", "bytes", "engine", "takes_jobs"} <= set(body)
    for generation in body["generations"]:
        assert {"name", "state", "tracks", "dim", "current", "degraded"} <= set(generation)
    assert [each["name"] for each in body["generations"] if each["current"]] == [CURRENT.name]


@pytest.mark.parametrize("root", [None, Path("/music")])
async def test_jobs_are_offered_where_the_service_takes_them(plane: FakePlane, root: Path | None) -> None:
    transport = httpx.ASGITransport(create_app(plane, Settings(ingest_root=root)))
    async with httpx.AsyncClient(transport=transport, base_url="http://sonotype") as client:
        assert (await client.get("/v1/catalog")).json()["takes_jobs"] is (root is not None)


async def test_a_dropped_file_becomes_a_track_with_the_title_of_its_name(client: httpx.AsyncClient) -> None:
    track = await stored(client, EVIL)
    assert track["metadata"]["title"] == EVIL
    assert {"id", "metadata", "content_sha256", "labels", "evidence", "generations", "source"} <= set(track)
    assert {"created_at", "updated_at"} <= set(track)
    assert {"model", "label", "score"} <= set(track["labels"][0])
    assert {"model", "prototype", "label", "share"} <= set(track["evidence"][0])
    fields = {"title", "artist", "album", "year", "duration_s", "tempo_bpm", "mbid", "isrc", "tags", "extra"}
    assert fields | {"collection", "external_id"} <= set(track["metadata"])


async def test_the_list_is_filtered_and_paged_as_the_page_asks(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await stored(client, f"track {number}", b"RIFF %d" % number)
    query: dict[str, str | int] = {"limit": 2, "collection": "default", "artist": "Miles Davis"}
    first = (await client.get("/v1/tracks", params=query)).json()
    second = (await client.get("/v1/tracks", params={**query, "cursor": first["cursor"]})).json()
    assert [len(first["tracks"]), len(second["tracks"]), second["cursor"]] == [2, 1, None]
    names = set(re.findall(r"(\w+): \"by\w+\"", text("catalogue.js")))
    assert names == {"collection", "artist", "tag", "label"}
    assert (await client.get("/v1/tracks", params=dict.fromkeys(names, "some"))).status_code == 200


async def test_knobs_are_understood_by_every_way_to_ask(client: httpx.AsyncClient, pair: tuple[str, str]) -> None:
    """A track, a tray and an upload are asked about with the same knobs."""
    knobs: dict[str, str | float] = {
        "k": 1,
        "diversity": 0.5,
        "hubness": "none",
        "hide_duplicates": "false",
        "max_per_artist": 2,
    }
    seeds = [{"track": pair[0], "weight": 1}, {"tag": "jazz", "weight": -0.5}, {"prototype": "p.a.0", "weight": 0.3}]
    constraints = {"hide_duplicates": False, "max_per_artist": 2}
    body = {"seeds": seeds, "k": 1, "diversity": 0.5, "hubness": "none", "constraints": constraints}
    answers = [
        await client.get(f"/v1/tracks/{pair[0]}/similar", params=knobs),
        await client.post("/v1/similar", json=body),
        await client.post("/v1/similar", params=knobs, content=b"RIFF", headers=AUDIO),
    ]
    for answer in answers:
        assert answer.status_code == 200
        found = answer.json()
        assert {"matches", "exact", "degraded", "hubness", "short_because"} <= set(found)
        assert {"track", "similarity"} <= set(found["matches"][0])
        assert {"id", "metadata", "source"} <= set(found["matches"][0]["track"])


async def test_reasons_have_what_the_page_shows(client: httpx.AsyncClient, pair: tuple[str, str]) -> None:
    why = (await client.get(f"/v1/tracks/{pair[0]}/similar/{pair[1]}/why")).json()
    assert {"sentence", "tags", "labels", "prototypes"} <= set(why)
    assert {"label", "score_a", "score_b"} <= set(why["labels"][0])
    assert {"prototype", "model", "label", "share_a", "share_b", "strength"} <= set(why["prototypes"][0])


async def test_paths_and_lists_are_understood(client: httpx.AsyncClient, pair: tuple[str, str]) -> None:
    path = await client.get(f"/v1/tracks/{pair[0]}/path/{pair[1]}", params={"count": 8})
    assert [match["track"]["id"] for match in path.json()["matches"]] == list(pair)
    for order in ("smooth", "similarity", "random"):
        assert f'["{order}"' in text("ordered.js")
        body = {"seeds": [{"track": pair[0]}], "count": 15, "order": order}
        assert (await client.post("/v1/playlists", json=body)).status_code == 200
        m3u8 = await client.post("/v1/playlists?format=m3u8", json=body)
        assert m3u8.text.startswith("#EXTM3U\n")


async def test_deleting_says_no_more_than_that_it_is_done(client: httpx.AsyncClient, pair: tuple[str, str]) -> None:
    assert (await client.delete(f"/v1/tracks/{pair[0]}")).status_code == 204
    assert (await client.get(f"/v1/tracks/{pair[0]}")).json()["code"] == "not_found"


async def test_jobs_have_what_the_page_shows(client: httpx.AsyncClient, plane: FakePlane) -> None:
    started = await client.post("/v1/jobs", json={"kind": "ingest", "path": "jazz", "collection": "default"})
    job = started.json()
    assert {"id", "kind", "path", "collection", "state", "final", "total", "done"} <= set(job)
    assert {"counts", "error", "created_at"} <= set(job)
    assert {"failed", "skipped", "pending"} <= set(job["counts"])
    assert (await client.post("/v1/jobs", json={"kind": "reembed"})).status_code == 202
    plane.catalog.files = [JobFile("a.mp3", FileState.FAILED, None, None, "No audio.")]
    listed = (await client.get(f"/v1/jobs/{job['id']}/files?state=failed&limit=50")).json()
    assert {"path", "track", "detail", "code"} <= set(listed["files"][0])
    assert listed["cursor"] is None


@pytest.mark.parametrize("state", JobState)
def test_every_state_of_a_job_has_words(state: JobState) -> None:
    assert re.search(rf"\b{state.value}: \[", text("job.js"))


async def test_the_stream_of_a_job_is_as_the_page_splits_it(client: httpx.AsyncClient, plane: FakePlane) -> None:
    """`events.js` takes blocks apart at empty lines and reads the lines that begin with `data:`."""
    plane.catalog.known_jobs["job1"] = QUEUED
    plane.catalog.moves = [QUEUED]
    answer = await client.get("/v1/jobs/job1/events", headers={"accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "\r" not in answer.text
    blocks = [block for block in answer.text.split("\n\n") if "data:" in block]
    assert [sum(line.startswith("data:") for line in block.split("\n")) for block in blocks] == [1]


def test_what_owners_wrote_goes_into_text_nodes() -> None:
    """And whatever goes into an address is escaped."""
    for name in MODULES:
        code = text(f"{name}.js")
        assert not re.search(r"innerHTML|outerHTML|document\.write|DOMParser|createContextualFragment", code)
        for path in re.findall(r"`/v1/\w+/\$\{(\w+)", code):
            assert path == "encodeURIComponent"


def test_keys_go_along_with_every_request() -> None:
    """An EventSource cannot send one, so there is none; nobody but `api.js` sends requests."""
    for name in MODULES:
        assert not re.search(r"new EventSource|\bfetch\(|XMLHttpRequest", text(f"{name}.js"))


def test_colours_are_those_of_the_page() -> None:
    named = set(re.findall(r"(--[\w-]+): ", text("style.css")))
    assert set(re.findall(r"var\((--[\w-]+)\)", text("catalogue.css"))) <= named
    values = "".join(re.findall(r":\s([^;{}]+);", text("catalogue.css")))
    assert not re.search(r"#[0-9a-f]{3}", values)
