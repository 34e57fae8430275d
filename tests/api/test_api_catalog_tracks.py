"""Tracks on the REST face: three ways to send one, idempotency, lists, validators."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import numpy as np
import pytest
from fakecatalog import CURRENT, FakeCatalog
from fakeplane import FakePlane

from sonotype.api.http import schemas_catalog as schemas
from sonotype.api.track_params import MetadataBody, TrackUploadParams
from sonotype.catalog.port import EVERYTHING, Range, TrackFilter
from sonotype.catalog.track import Metadata
from sonotype.core.types import Lane, Upload
from sonotype.plane.catalog.values import Submission

WAV = {"content-type": "audio/wav"}
DATA = b"RIFF of sorts"
METADATA: dict[str, Any] = {
    "collection": "vinyl",
    "external_id": "jazz/01.flac",
    "title": "So What",
    "artist": "Miles Davis",
    "album": "Kind of Blue",
    "year": 1959,
    "duration_s": 562.5,
    "tempo_bpm": 136.0,
    "mbid": "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae",
    "isrc": "USSM15900113",
    "tags": ["jazz", "modal"],
    "extra": {"path": "/music/01.flac", "stars": 5},
}
EMBEDDED: dict[str, Any] = {"metadata": METADATA, "embedding": [1, 0.5, 0, -0.25], "embedding_of": "fake@vector"}


@pytest.fixture
def catalog(plane: FakePlane) -> FakeCatalog:
    return plane.catalog


def expected() -> Metadata:
    return Metadata(**METADATA | {"tags": tuple(METADATA["tags"])})


async def put(client: httpx.AsyncClient, track_id: str = "a", **body: Any) -> httpx.Response:
    return await client.put(f"/v1/tracks/{track_id}", json=EMBEDDED | body)


def detail(answer: httpx.Response, status: int = 400, code: str = "invalid_request") -> str:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    return str(body["detail"])


# --- three ways to send a track


async def test_an_embedding_is_stored_under_the_id(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    answer = await put(client)
    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/tracks/a"
    body = schemas.TrackBody.model_validate(answer.json())
    assert body.id == "a"
    assert body.metadata.model_dump() == METADATA
    assert body.generations == [CURRENT.name]
    assert [(label.label, label.score) for label in body.labels] == [("rock", 0.912346), ("guitar", 0.5)]
    assert body.evidence[0].url == "/v1/prototypes/pecmae.cello.0"
    assert body.created_at == "2026-11-23T12:00:01.123456Z"
    submission, upload = catalog.puts[0]
    assert upload is None
    assert submission.metadata == expected()
    assert submission.embedding is not None
    assert submission.embedding.dtype == np.float32
    assert (submission.id, submission.embedding_of) == ("a", "fake@vector")


async def test_raw_audio_with_metadata_as_parameters(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    told = {name: value for name, value in METADATA.items() if name not in ("tags", "extra")}
    params = told | {"tag": METADATA["tags"], "lane": "bulk", "timeout_s": 7}
    answer = await client.put("/v1/tracks/a", params=params, content=DATA, headers=WAV | {"x-request-timeout": "5"})
    assert answer.status_code == 201
    (submission, upload), metadata = catalog.puts[0], expected()
    assert upload == Upload.of(DATA)
    assert submission.metadata == Metadata(**{name: getattr(metadata, name) for name in told}, tags=metadata.tags)
    assert (submission.lane, submission.timeout_s, submission.embedding) == (Lane.BULK, 5, None)


@pytest.mark.parametrize("order", [("metadata", "file"), ("file", "metadata")])
async def test_a_form_with_metadata_beside_the_file(
    client: httpx.AsyncClient, catalog: FakeCatalog, order: tuple[str, str]
) -> None:
    parts = {"metadata": (None, json.dumps(METADATA), "application/json"), "file": ("x.wav", DATA, "audio/wav")}
    answer = await client.post("/v1/tracks?lane=bulk", files=[(name, parts[name]) for name in order])
    assert answer.status_code == 201, answer.text
    submission, upload = catalog.puts[0]
    assert (submission.metadata, submission.lane, submission.id) == (expected(), Lane.BULK, None)
    assert upload == Upload.of(DATA)
    assert answer.headers["location"] == "/v1/tracks/t0"


async def test_a_form_with_metadata_as_parameters(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    answer = await client.post("/v1/tracks?title=So+What&tag=a&tag=b", files={"file": ("x.wav", DATA)})
    assert answer.status_code == 201
    assert catalog.puts[0][0].metadata == Metadata(title="So What", tags=("a", "b"))


async def test_metadata_stand_in_one_place(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    form = {"metadata": (None, "{}"), "file": ("x.wav", DATA)}
    assert "not both" in detail(await client.post("/v1/tracks?title=x", files=form))
    assert "body" in detail(await client.put("/v1/tracks/a?title=x", json=EMBEDDED))
    assert catalog.puts == []


@pytest.mark.parametrize(
    ("part", "told"),
    [('{"title": NaN}', "JSON"), ('{"titel": "x"}', "titel"), ("[]", "dictionary"), ('{"year": "1959"}', "year")],
)
async def test_a_bad_part_of_metadata(client: httpx.AsyncClient, catalog: FakeCatalog, part: str, told: str) -> None:
    form = {"metadata": (None, part), "file": ("x.wav", DATA)}
    assert told in detail(await client.post("/v1/tracks", files=form))
    assert catalog.puts == []


async def test_a_form_with_another_part_or_one_twice(client: httpx.AsyncClient) -> None:
    file = ("file", ("x.wav", DATA))
    for more in [("metadatum", (None, "{}")), ("file", ("y.wav", DATA))]:
        assert "`file` and `metadata`" in detail(await client.post("/v1/tracks", files=[file, more]))
    three = [file, ("metadata", (None, "{}")), ("metadata", (None, "{}"))]
    assert "may be sent once" in detail(await client.post("/v1/tracks", files=three))
    assert "no part named `file`" in detail(await client.post("/v1/tracks", files={"metadata": (None, "{}")}))


async def test_a_large_part_of_json_is_refused(client: httpx.AsyncClient, plane: FakePlane) -> None:
    form = {"metadata": (None, '"' + "x" * 300_000 + '"'), "file": ("x.wav", DATA)}
    assert "JSON may have" in detail(await client.post("/v1/tracks", files=form), 413, "upload_too_large")
    assert plane.held_bytes == 0


async def test_neither_audio_nor_embedding(client: httpx.AsyncClient) -> None:
    assert "exactly one" in detail(await client.put("/v1/tracks/a", json={"metadata": {"title": "x"}}))


# --- replacing, repeating


async def test_an_existing_track_is_replaced(client: httpx.AsyncClient) -> None:
    first = (await put(client)).json()
    answer = await put(client, metadata={"title": "Blue in Green"})
    assert answer.status_code == 200
    assert "location" not in answer.headers
    body = answer.json()
    assert (body["metadata"]["title"], body["created_at"]) == ("Blue in Green", first["created_at"])
    assert body["updated_at"] > first["updated_at"]


async def test_post_replaces_by_external_id(client: httpx.AsyncClient) -> None:
    first = await client.post("/v1/tracks", json=EMBEDDED)
    again = await client.post("/v1/tracks", json=EMBEDDED)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


async def test_the_same_key_gives_the_same_answer(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    key = {"idempotency-key": "order 66"}
    first = await client.post("/v1/tracks", json=EMBEDDED, headers=key)
    again = await client.post("/v1/tracks", json=EMBEDDED, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert catalog.puts[0][0].idempotency_key == "order 66"
    other = await client.post("/v1/tracks", json=EMBEDDED | {"embedding": [1, 1, 1, 1]}, headers=key)
    detail(other, 422, "idempotency_mismatch")


@pytest.mark.parametrize("key", ["x" * 256, "tab\there", "n\xf6"])
async def test_a_bad_key_is_refused(client: httpx.AsyncClient, key: str) -> None:
    headers = {"idempotency-key": key.encode("latin-1")}
    answer = await client.post("/v1/tracks", json=EMBEDDED, headers=headers)  # type: ignore[arg-type]
    assert "idempotency key" in detail(answer)


async def test_keys_belong_to_clients(client: httpx.AsyncClient, plane: FakePlane) -> None:
    plane.keys = frozenset({"one", "two"})
    for name in ("one", "two"):
        headers = {"idempotency-key": "k", "x-api-key": name}
        answer = await client.put(f"/v1/tracks/{name}", json=EMBEDDED, headers=headers)
        assert answer.status_code == 201
    assert [submission.client for submission, _ in plane.catalog.puts] == ["client-one", "client-two"]
    assert (await client.put("/v1/tracks/a", json=EMBEDDED)).status_code == 401


# --- bad input


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"embedding": [1, 2, 3]}, "must have 4 numbers, not 3"),
        ({"embedding": [0, 0, 0, 0]}, "is zero"),
        ({"embedding": [1e300, 0, 0, 0]}, "not finite"),
        ({"embedding": []}, "embedding"),
        ({"embedding": ["1", 0, 0, 0]}, "embedding.0"),
        ({"metadata": {"title": "x" * 10_240}}, "at most 512"),
        ({"metadata": {"title": "nul\0"}}, "not text"),
        ({"metadata": {"tags": ["x"] * 65}}, "64"),
        ({"metadata": {"tags": ["x" * 65]}}, "64"),
        ({"metadata": {"extra": {"x": "y" * 9000}}}, "8192"),
        ({"metadata": {"extra": [1]}}, "extra"),
        ({"metadata": {"collection": "a/b"}}, "collection"),
        ({"metadata": {"mbid": "nonsense"}}, "MBID"),
        ({"metadata": {"isrc": "nonsense"}}, "ISRC"),
        ({"metadata": {"year": 10_000}}, "year"),
        ({"metadata": {"year": 1959.5}}, "year"),
        ({"metadata": {"duration_s": -1}}, "duration_s"),
        ({"metadata": {"mood": "blue"}}, "metadata.mood"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_bad_bodies(client: httpx.AsyncClient, catalog: FakeCatalog, body: dict[str, Any], told: str) -> None:
    answer = await put(client, **body)
    said = detail(answer)
    assert told in said
    assert len(said) < 400
    assert catalog.stored == {}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_numbers_that_are_not_finite(client: httpx.AsyncClient, catalog: FakeCatalog, number: str) -> None:
    for body in (f'{{"embedding": [{number}, 0, 0, 1]}}', f'{{"metadata": {{"extra": {{"x": {number}}}}}}}'):
        answer = await client.put("/v1/tracks/a", content=body, headers={"content-type": "application/json"})
        detail(answer)
    assert catalog.stored == {}


@pytest.mark.parametrize("track_id", ["x" * 129, "a b", "a%00b", "caf%C3%A9", "a%0Ab"])
async def test_bad_ids(client: httpx.AsyncClient, track_id: str) -> None:
    assert "A track id has" in detail(await put(client, track_id))


async def test_an_id_may_hold_all_that_is_allowed(client: httpx.AsyncClient) -> None:
    answer = await put(client, "urn:x.y_z~1-2")
    assert answer.headers["location"] == "/v1/tracks/urn:x.y_z~1-2"
    assert (await client.get(answer.headers["location"])).json()["id"] == "urn:x.y_z~1-2"


async def test_unknown_parameters_are_refused(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.post("/v1/tracks?titel=x", content=DATA, headers=WAV),
        await client.get("/v1/tracks?colection=x"),
        await client.get("/v1/tracks/a?k=1"),
        await client.delete("/v1/tracks/a?k=1"),
    ):
        detail(answer)


async def test_other_content_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/tracks", content=b"x", headers={"content-type": "text/plain"})
    detail(answer, 415, "unsupported_format")


# --- reading, deleting


async def test_a_track_has_a_validator(client: httpx.AsyncClient) -> None:
    await put(client)
    first = await client.get("/v1/tracks/a")
    etag = first.headers["etag"]
    same = await client.get("/v1/tracks/a", headers={"if-none-match": etag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    await put(client, metadata={"title": "other"})
    changed = await client.get("/v1/tracks/a", headers={"if-none-match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


async def test_a_deleted_track_is_gone(client: httpx.AsyncClient) -> None:
    await put(client)
    answer = await client.delete("/v1/tracks/a")
    assert (answer.status_code, answer.content) == (204, b"")
    for again in (await client.delete("/v1/tracks/a"), await client.get("/v1/tracks/a")):
        assert detail(again, 404, "not_found") == "There is no such track."


async def test_tracks_are_listed_in_pages(client: httpx.AsyncClient) -> None:
    for i in range(5):
        await put(client, f"t{i}")
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        answer = await client.get("/v1/tracks", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        page = schemas.TracksBody.model_validate(answer.json())
        seen += [track.id for track in page.tracks]
        cursor = page.cursor
    assert seen == [f"t{i}" for i in range(5)]
    assert cursor is None
    assert "labels" not in answer.json()["tracks"][0]


async def test_every_filter_reaches_the_plane(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    params = {
        "collection": ["a", "b"],
        "artist": "Miles Davis",
        "album": ["x"],
        "tag": ["jazz", "modal"],
        "any_tag": "slow",
        "label": "guitar",
        "year_min": 1950,
        "year_max": 1959,
        "duration_min_s": 60.5,
        "tempo_max_bpm": 140,
        "limit": 7,
        "cursor": "c0",
    }
    assert (await client.get("/v1/tracks", params=params)).status_code == 200
    assert (await client.get("/v1/tracks")).status_code == 200
    where = TrackFilter(
        collections=("a", "b"),
        artists=("Miles Davis",),
        albums=("x",),
        tags=("jazz", "modal"),
        any_tags=("slow",),
        labels=("guitar",),
        year=Range(1950, 1959),
        duration_s=Range(60.5, None),
        tempo_bpm=Range(None, 140),
    )
    assert catalog.asked == [(where, "c0", 7), (EVERYTHING, None, 50)]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "x" * 2000}, "cursor"),
        ({"year_min": 1960, "year_max": 1950}, "lower end of year"),
        ({"tempo_min_bpm": "nan"}, "tempo_min_bpm"),
        ({"artist": "x" * 10_240}, "artist"),
    ],
)
async def test_bad_lists(client: httpx.AsyncClient, params: dict[str, Any], told: str) -> None:
    assert told in detail(await client.get("/v1/tracks", params=params))


# --- leaving


async def test_a_client_that_leaves_takes_its_work_along(port: int, plane: FakePlane) -> None:
    plane.catalog.hold = True
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"PUT /v1/tracks/a HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\nContent-Length: 4\r\n\r\nRIFF")
    await asyncio.wait_for(plane.catalog.started.wait(), 5)
    writer.close()
    await asyncio.wait_for(plane.catalog.left.wait(), 5)
    await asyncio.sleep(0)
    assert plane.held_bytes == 0
    assert plane.catalog.stored == {}


async def test_a_client_that_leaves_is_led_nowhere(port: int, plane: FakePlane) -> None:
    plane.catalog.hold = True
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /v1/tracks/a/path/b HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.wait_for(plane.catalog.started.wait(), 5)
    writer.close()
    await asyncio.wait_for(plane.catalog.left.wait(), 5)


def test_defaults_are_those_of_the_plane() -> None:
    assert TrackUploadParams().submission({}) == Submission(Metadata())
    assert MetadataBody().metadata() == Metadata()


# --- whether a file need be sent


async def test_a_file_that_is_there_need_not_be_sent(client: httpx.AsyncClient, catalog: FakeCatalog) -> None:
    await client.post("/v1/tracks", params={"external_id": "x"}, content=DATA, headers=WAV)
    asked: dict[str, Any] = {"metadata": {"external_id": "x", "title": "Now"}, "content_sha256": Upload.of(DATA).sha256}
    answer = await client.post("/v1/tracks/unchanged", json=asked)
    assert (answer.status_code, answer.json()) == (200, {"id": "t0"})
    assert catalog.stored["t0"].metadata.title == "Now"
    for other in ({"content_sha256": "0" * 64}, {"id": "t9"}, {"metadata": {"external_id": "y"}}):
        assert (await client.post("/v1/tracks/unchanged", json=asked | other)).json() == {"id": None}
    assert len(catalog.puts) == 1


@pytest.mark.parametrize(
    "wrong", [{"content_sha256": "XYZ"}, {"content_sha256": None}, {"id": "a/b"}, {"metadata": {"year": 0}}, {"k": 1}]
)
async def test_questions_about_no_file_are_refused(client: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    asked = {"metadata": {}, "content_sha256": "0" * 64}
    detail(await client.post("/v1/tracks/unchanged", json=asked | wrong))
