"""Prototypes on the REST face: lists, one, its audio."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import fakeprototypes as fake
import httpx
import pytest
from fakeplane import FakePlane

from sonotype.api.http import schemas
from sonotype.api.http import schemas_prototypes as bodies
from sonotype.api.prototypes import view_prototype
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.sonification import Rendering

PASSED, REPLACED, FAILED = "pecmae.cello.0", "pecmae.cello.1", "pecmae.flute.0"
UNGATED, SILENT = "pecmae.flute.1", "pecmae.tenor-saxophone.1"


def audio_path(prototype_id: str) -> str:
    return f"/v1/prototypes/{prototype_id}/audio"


async def test_list_has_the_documented_shape(client: httpx.AsyncClient, plane: FakePlane) -> None:
    listed = bodies.PrototypesBody.model_validate((await client.get("/v1/prototypes")).json()).prototypes
    assert [one.id for one in listed] == list(fake.prototypes())
    verdicts = {one.id: (one.verdict, one.rendering) for one in listed}
    assert verdicts[PASSED] == ("passed", "prototype")
    assert verdicts[REPLACED] == ("replaced", "segment")
    assert verdicts[FAILED] == ("failed", "prototype")
    assert verdicts[UNGATED] == ("ungated", "prototype")
    assert verdicts[SILENT] == ("silent", None)
    assert [one.audio_url is None for one in listed] == [one.rendering is None for one in listed]


async def test_list_is_filtered(client: httpx.AsyncClient) -> None:
    async def ids(**params: str) -> list[str]:
        return [one["id"] for one in (await client.get("/v1/prototypes", params=params)).json()["prototypes"]]

    assert await ids(label="cello") == [PASSED, REPLACED]
    assert await ids(model="pecmae@1", label="flute") == [FAILED, UNGATED]
    assert await ids(model="fake") == []
    assert await ids(label="tuba") == []
    missing = await client.get("/v1/prototypes", params={"model": "none"})
    assert (missing.status_code, missing.json()["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("prototype_id", list(fake.prototypes()))
async def test_one_has_the_documented_shape_and_its_links_lead_somewhere(
    client: httpx.AsyncClient, plane: FakePlane, prototype_id: str
) -> None:
    answer = await client.get(f"/v1/prototypes/{prototype_id}")
    body = bodies.PrototypeBody.model_validate(answer.json())
    record = plane.prototype(prototype_id).record
    assert (body.badge is None) == (record is None or record.prototype is None)
    assert (body.provenance is None) == (record is None)
    for rendering in body.renderings:
        heard = await client.get(rendering.url)
        assert heard.status_code == 200
        said = rendering.kind if rendering.seed is None else f"{rendering.kind}; seed={rendering.seed}"
        assert heard.headers["sonotype-rendering"] == said
    if body.audio_url is not None:
        assert body.offered is not None
        assert (await client.get(body.audio_url)).content == (await client.get(body.offered.url)).content


async def test_the_note_says_what_is_wrong(client: httpx.AsyncClient) -> None:
    note = (await client.get(f"/v1/prototypes/{REPLACED}")).json()["note"]
    assert "cosine, judge" in note
    assert "real segment" in note
    assert "cosine, judge" in (await client.get(f"/v1/prototypes/{FAILED}")).json()["note"]


def test_a_segment_is_no_passed_prototype() -> None:
    """Without a decoder the segment is offered, whatever the gate said when there was one."""
    segment = Rendering("segment")
    for prototype_id in (PASSED, UNGATED, "pecmae.tenor-saxophone.0"):
        info = replace(fake.prototypes()[prototype_id], renderings=(segment,), offered=segment)
        shown = view_prototype(info)
        assert shown.verdict == "ungated"
        assert "real segment" in shown.note


async def test_unknown_prototypes_and_names_that_are_none(client: httpx.AsyncClient) -> None:
    for name in ("none", "pecmae.cello.9", "%2e%2e", "a%00b"):
        for path in (f"/v1/prototypes/{name}", audio_path(name)):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v1/prototypes", {"page": 1}),
        ("/v1/prototypes", {"model": ""}),
        (f"/v1/prototypes/{PASSED}", {"full": 1}),
        (audio_path(PASSED), {"format": "aiff"}),
        (audio_path(PASSED), {"kind": "noise"}),
        (audio_path(PASSED), {"seed": -1}),
        (audio_path(PASSED), {"seed": 2**31}),
        (audio_path(PASSED), {"speed": 2}),
    ],
)
async def test_bad_parameters_are_refused(client: httpx.AsyncClient, path: str, params: dict[str, Any]) -> None:
    answer = await client.get(path, params=params)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/v1/prototypes", f"/v1/prototypes/{PASSED}", audio_path(PASSED)])
async def test_a_key_is_needed(client: httpx.AsyncClient, plane: FakePlane, path: str) -> None:
    plane.keys = frozenset({"right"})
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers={"x-api-key": "right"})).status_code == 200
    assert len(plane.rendered) == (1 if path.endswith("audio") else 0)


# --- audio


@pytest.mark.parametrize(("name", "media_type"), fake.MEDIA_TYPES.items())
async def test_formats(client: httpx.AsyncClient, plane: FakePlane, name: str, media_type: str) -> None:
    answer = await client.get(audio_path(PASSED), params={"format": name})
    assert answer.headers["content-type"] == media_type
    assert plane.rendered == [(PASSED, None, name)]
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["sonotype-duration"] == "4.096"


@pytest.mark.parametrize(
    ("params", "rendering"),
    [
        ({}, None),
        ({"seed": 2}, Rendering("prototype", 2)),
        ({"kind": "medoid"}, Rendering("medoid", 0)),
        ({"kind": "segment"}, Rendering("segment", 0)),
        ({"kind": "prototype", "seed": 1}, Rendering("prototype", 1)),
    ],
)
async def test_which_rendering(
    client: httpx.AsyncClient, plane: FakePlane, params: dict[str, Any], rendering: Rendering | None
) -> None:
    assert (await client.get(audio_path(PASSED), params=params)).status_code == 200
    assert plane.rendered[0][1] == rendering


async def test_what_does_not_exist_cannot_be_heard(client: httpx.AsyncClient) -> None:
    for path, params in ((SILENT, {}), (FAILED, {"kind": "segment"}), (PASSED, {"seed": 77})):
        answer = await client.get(audio_path(path), params=params)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_replacement_is_said_to_be_one(client: httpx.AsyncClient) -> None:
    assert (await client.get(audio_path(REPLACED))).headers["sonotype-rendering"] == "segment"


async def test_etag_is_strong_and_known_bytes_are_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get(audio_path(PASSED))
    etag = first.headers["etag"]
    assert etag.startswith('"')
    again = await client.get(audio_path(PASSED), headers={"if-none-match": f'"x", W/{etag}', "range": "bytes=0-1"})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert again.headers["cache-control"] == first.headers["cache-control"]
    assert (await client.get(audio_path(PASSED), params={"seed": 1})).headers["etag"] != etag


async def test_head_says_the_same_without_the_bytes(client: httpx.AsyncClient) -> None:
    whole = await client.get(audio_path(PASSED))
    head = await client.head(audio_path(PASSED), headers={"range": "bytes=0-9"})
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-length", "content-type", "accept-ranges", "sonotype-rendering", "cache-control"):
        assert head.headers[name] == whole.headers[name]
    missing = await client.head(audio_path("none"))
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=990-", 990, 1000), ("bytes=-5", 995, 1000), ("bytes=500-5000", 500, 1000)],
)
async def test_one_range(client: httpx.AsyncClient, header: str, start: int, end: int) -> None:
    whole = await client.get(audio_path(PASSED))
    answer = await client.get(audio_path(PASSED), headers={"range": header, "if-range": whole.headers["etag"]})
    assert answer.status_code == 206
    assert answer.content == whole.content[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{fake.AUDIO_BYTES}"
    assert answer.headers["content-length"] == str(end - start)
    assert answer.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize(
    "headers",
    [
        {"range": "bytes=0-1,4-5"},
        {"range": "lines=0-1"},
        {"range": "bytes=7-3"},
        {"range": "bytes=0-1", "if-range": '"other"'},
        {"range": "bytes=5000-", "if-range": '"other"'},
    ],
)
async def test_the_whole_where_no_part_can_be_given(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.get(audio_path(PASSED), headers=headers)
    assert (answer.status_code, len(answer.content)) == (200, fake.AUDIO_BYTES)
    assert "content-range" not in answer.headers


async def test_an_unsatisfiable_range_is_a_problem_with_the_length(client: httpx.AsyncClient) -> None:
    answer = await client.get(audio_path(PASSED), headers={"range": "bytes=1000-"})
    problem = schemas.Problem.model_validate(answer.json())
    assert (answer.status_code, problem.code) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"] == "bytes */1000"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "etag" not in answer.headers


async def test_errors_of_rendering_are_problems(client: httpx.AsyncClient, plane: FakePlane) -> None:
    plane.error = SonotypeError(Code.OVERLOADED, "Too much is being generated.", retry_after_s=3)
    answer = await client.get(audio_path(PASSED))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert "etag" not in answer.headers


# --- models


async def test_a_prototype_model_beside_the_networks(client: httpx.AsyncClient) -> None:
    models = schemas.ModelsBody.model_validate((await client.get("/v1/models")).json()).models
    kinds = {model.name: model.kind for model in models}
    assert kinds.pop("mood") == kinds.pop("valence") == "head"
    assert kinds == {"fake": "network", "other": "network", "pecmae": "prototypes"}
    network, _, model, *_ = models
    assert network.prototypes is None
    assert model.prototypes is not None
    assert (model.patch, model.sample_rate_hz) == (network.patch, network.sample_rate_hz)
    assert (model.prototypes.n_prototypes, model.prototypes.backbone) == (fake.N_PROTOTYPES, "fake")
    assert model.embeddings[0].name == model.prototypes.embedding
    assert {embedding.name for embedding in model.embeddings} == {embedding.name for embedding in network.embeddings}
    assert model.prototypes.decoder is not None
    assert model.prototypes.decoder.segment_s == 4.096


async def test_a_prototype_model_whose_backbone_is_away(client: httpx.AsyncClient, plane: FakePlane) -> None:
    card = plane._cards["pecmae"]
    plane._cards["pecmae"] = card.model_copy(
        update={"backbone": card.backbone.model_copy(update={"model": "gone"})}  # type: ignore[union-attr]
    )
    model = schemas.ModelBody.model_validate((await client.get("/v1/models/pecmae")).json())
    assert (model.patch, model.sample_rate_hz, model.frontends, model.embeddings) == (None, None, [], [])
