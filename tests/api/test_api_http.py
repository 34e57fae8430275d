from __future__ import annotations

import base64
import io
from typing import Any

import httpx
import numpy as np
import pytest
from fakeplane import FakePlane

from sonotype.api.http import schemas
from sonotype.core.types import Crop, Lane

WAV = {"content-type": "audio/wav"}
DATA = b"RIFF of sorts" * 100


async def post(client: httpx.AsyncClient, path: str = "/v1/analyze", **params: Any) -> httpx.Response:
    return await client.post(path, content=DATA, headers=WAV, params=params)


async def test_raw_body_and_form_are_the_same_upload(client: httpx.AsyncClient, plane: FakePlane) -> None:
    raw = await post(client)
    form = await client.post("/v1/analyze", files={"file": ("track.wav", DATA, "audio/wav")})
    assert raw.status_code == form.status_code == 200
    assert raw.json()["results"] == form.json()["results"]
    assert raw.json()["clip"] == form.json()["clip"]
    assert [upload.data for upload, _ in plane.calls] == [DATA, DATA]


async def test_answer_has_the_documented_shape(client: httpx.AsyncClient) -> None:
    answer = await post(
        client, timeline="true", embeddings=["default", "default"], embedding_scope="patches", model=["fake", "other@2"]
    )
    body = schemas.AnalysisBody.model_validate(answer.json())
    assert [result.model for result in body.results] == ["fake@1", "other@2"]
    first = body.results[0]
    scores = [tag.score for tag in first.tags]
    assert scores == sorted(scores, reverse=True)
    assert first.timeline is not None
    assert first.timeline.labels == [tag.label for tag in first.tags]
    assert np.mean(first.timeline.scores, axis=0) == pytest.approx(scores, abs=2e-6)
    assert first.embeddings is not None
    assert np.shape(first.embeddings[0].values) == (3, first.embeddings[0].dim)
    assert len(first.embeddings) == 1


async def test_parts_that_were_not_asked_for_are_absent(client: httpx.AsyncClient) -> None:
    result = (await post(client)).json()["results"][0]
    assert "timeline" not in result
    assert "embeddings" not in result


async def test_scores_are_short_plain_numbers(client: httpx.AsyncClient) -> None:
    for tag in (await post(client)).json()["results"][0]["tags"]:
        assert tag["score"] == round(tag["score"], 6)


async def test_every_option_reaches_the_plane(client: httpx.AsyncClient, plane: FakePlane) -> None:
    options = {
        "model": ["other", "fake"],
        "top_k": 3,
        "threshold": 0.25,
        "timeline": "true",
        "embeddings": ["default"],
        "embedding_scope": "patches",
        "offset_s": 1.5,
        "duration_s": 10,
        "hop_s": 0.5,
        "tail": "pad",
        "frontend": "musicnn",
        "lane": "bulk",
        "timeout_s": 7,
        "cache": "bypass",
    }
    assert (await post(client, **options)).status_code == 200
    query = plane.calls[0][1]
    assert query.models == ("other", "fake")
    assert (query.top_k, query.threshold, query.timeline) == (3, 0.25, True)
    assert (query.embeddings, query.embedding_scope) == (("default",), "patches")
    assert (query.crop, query.hop_s, query.tail) == (Crop(1.5, 10.0), 0.5, "pad")
    assert (query.frontend, query.lane, query.timeout_s) == ("musicnn", Lane.BULK, 7.0)
    assert query.use_cache is False


async def test_top_k_all_and_zero(client: httpx.AsyncClient, plane: FakePlane) -> None:
    n_labels = len(plane.model("fake").card.labels)
    assert len((await post(client, top_k="all")).json()["results"][0]["tags"]) == n_labels
    assert (await post(client, top_k=0, timeline="true")).json()["results"][0]["tags"] == []


async def test_deadline_header_and_parameter_sooner_one_counts(client: httpx.AsyncClient, plane: FakePlane) -> None:
    headers = WAV | {"x-request-timeout": "2.5"}
    await client.post("/v1/tags", content=DATA, headers=headers)
    await client.post("/v1/tags", content=DATA, headers=headers, params={"timeout_s": 1})
    assert [query.timeout_s for _, query in plane.calls] == [2.5, 1.0]


async def test_no_store_bypasses_the_cache(client: httpx.AsyncClient, plane: FakePlane) -> None:
    await client.post("/v1/tags", content=DATA, headers=WAV | {"cache-control": "No-Store"})
    assert plane.calls[0][1].use_cache is False


@pytest.mark.parametrize(
    "params",
    [
        {"topk": 3},
        {"top_k": -1},
        {"top_k": "many"},
        {"threshold": 1.5},
        {"threshold": "nan"},
        {"offset_s": "inf"},
        {"duration_s": 0},
        {"lane": "fast"},
        {"tail": "keep"},
        {"encoding": "pickle"},
        {"model": ["m"] * 17},
        {"model": ""},
        {"timeout_s": -1},
        {"x" * 500: "1"},
    ],
)
async def test_bad_options_are_refused_before_work(
    client: httpx.AsyncClient, plane: FakePlane, params: dict[str, Any]
) -> None:
    answer = await post(client, **params)
    body = schemas.Problem.model_validate(answer.json())
    assert (answer.status_code, body.code) == (400, "invalid_request")
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(body.detail) < 300
    assert plane.calls == []


async def test_options_of_one_route_are_not_those_of_another(client: httpx.AsyncClient) -> None:
    assert (await post(client, "/v1/tags", embeddings="default")).status_code == 400
    assert (await post(client, "/v1/embeddings", top_k=3)).status_code == 400
    assert (await client.get("/v1/models", params={"page": 2})).status_code == 400


async def test_embeddings_route_shows_the_default_one(client: httpx.AsyncClient) -> None:
    result = (await post(client, "/v1/embeddings")).json()["results"][0]
    assert result["tags"] == []
    [embedding] = result["embeddings"]
    assert len(embedding["values"]) == embedding["dim"]


async def test_encodings_hold_the_same_numbers(client: httpx.AsyncClient) -> None:
    found = []
    for encoding in ("json", "base64", "npy"):
        answer = await post(client, embeddings="default", encoding=encoding, embedding_scope="patches")
        found.append(answer.json()["results"][0]["embeddings"][0])
    numbers = np.array(found[0]["values"], dtype=np.float32)
    raw = np.frombuffer(base64.b64decode(found[1]["data"]), "<f4").reshape(-1, found[1]["dim"])
    file = np.load(io.BytesIO(base64.b64decode(found[2]["data"])), allow_pickle=False)
    np.testing.assert_array_equal(numbers, raw)
    np.testing.assert_array_equal(numbers, file)


async def test_npy_answer_is_one_numpy_file(client: httpx.AsyncClient, plane: FakePlane) -> None:
    answer = await post(client, "/v1/embeddings", encoding="npy")
    assert answer.headers["content-type"] == "application/x-npy"
    vector = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert vector.shape == (plane.model("fake").card.embeddings[0].dim,)
    refused = await post(client, "/v1/embeddings", encoding="npy", model=["fake", "other"])
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


async def test_models(client: httpx.AsyncClient) -> None:
    listed = schemas.ModelsBody.model_validate((await client.get("/v1/models")).json())
    assert [model.name for model in listed.models] == ["fake", "other", "pecmae", "mood", "valence"]
    one = schemas.ModelBody.model_validate((await client.get("/v1/models/other@2")).json())
    assert one == listed.models[1]
    missing = await client.get("/v1/models/none")
    assert (missing.status_code, missing.json()["code"]) == (404, "model_not_found")


async def test_the_frameworks_own_errors_are_problems_too(client: httpx.AsyncClient) -> None:
    missing = await client.get("/v1/nothing")
    wrong = await client.get("/v1/tags")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "POST"
    for answer in (missing, wrong):
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_defect_tells_nothing_but_the_request_id(client: httpx.AsyncClient, plane: FakePlane) -> None:
    plane.error = KeyError("/secret/path")
    answer = await post(client)
    problem = schemas.Problem.model_validate(answer.json())
    assert (answer.status_code, problem.code) == (500, "internal")
    assert "secret" not in answer.text
    assert problem.request_id == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("offered", "kept"), [("abc-123", True), ("a b", False), ("x" * 65, False), ("", False), ("a/b", False)]
)
async def test_request_id_is_kept_where_it_is_harmless(client: httpx.AsyncClient, offered: str, kept: bool) -> None:
    answer = await client.post("/v1/tags", content=DATA, headers=WAV | {"x-request-id": offered})
    assert (answer.headers["x-request-id"] == offered) is kept
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_timing_header_names_the_phases(client: httpx.AsyncClient) -> None:
    header = (await post(client)).headers["server-timing"]
    phases = {entry.partition(";")[0] for entry in header.split(", ")}
    assert {"receive", "hash", "decode"} <= phases
    assert "decode;dur=12.000" in header


async def test_probes(client: httpx.AsyncClient, plane: FakePlane) -> None:
    assert (await client.get("/livez")).text == "ok\n"
    assert (await client.get("/readyz")).status_code == 200
    plane.ready = False
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert schemas.ReadinessBody.model_validate(answer.json()).ready is False
    assert (await client.get("/livez")).status_code == 200


async def test_ready_for_the_catalogue_where_it_is_asked_for(client: httpx.AsyncClient, plane: FakePlane) -> None:
    for state, status in (("opening", 503), ("away", 503), ("none", 503), ("degraded", 200), ("ok", 200)):
        plane.catalog_state = state
        answer = await client.get("/readyz?need=catalog")
        assert (answer.status_code, answer.json()["catalog"]) == (status, state)
        assert (await client.get("/readyz")).status_code == 200, "uploads are analysed all the same"
    plane.ready = False
    assert (await client.get("/readyz?need=catalog")).status_code == 503
    assert (await client.get("/readyz?need=luck")).status_code == 400


async def test_metrics_count_by_route_template(client: httpx.AsyncClient) -> None:
    await client.get("/v1/models/some-name-of-a-client")
    await client.get("/no/such/place")
    text = (await client.get("/metrics")).text
    assert 'sonotype_http_requests_total{code="404",method="GET",route="/v1/models/{name}"}' in text
    assert 'sonotype_http_requests_total{code="404",method="GET",route="none"}' in text
    assert "some-name-of-a-client" not in text
    assert "no/such" not in text


# --- access (case 15, the half that concerns who is calling)


@pytest.mark.parametrize("header", [{"authorization": "Bearer right"}, {"x-api-key": "right"}])
async def test_a_known_key_is_let_in(client: httpx.AsyncClient, plane: FakePlane, header: dict[str, str]) -> None:
    plane.keys = frozenset({"right"})
    answer = await client.post("/v1/tags", content=DATA, headers=WAV | header)
    assert answer.status_code == 200
    assert plane.calls[0][1].client == "client-right"


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic right"}])
@pytest.mark.parametrize(
    "path", ["/v1/tags", "/v1/analyze", "/v1/embeddings", "/v1/models", "/v1/models/fake", "/metrics"]
)
async def test_others_are_kept_out(
    client: httpx.AsyncClient, plane: FakePlane, path: str, header: dict[str, str]
) -> None:
    plane.keys = frozenset({"right"})
    method = "POST" if path in ("/v1/tags", "/v1/analyze", "/v1/embeddings") else "GET"
    answer = await client.request(method, path, headers=header)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert plane.calls == []


async def test_probes_and_the_page_need_no_key(client: httpx.AsyncClient, plane: FakePlane) -> None:
    plane.keys = frozenset({"right"})
    for path in ("/livez", "/readyz", "/"):
        assert (await client.get(path)).status_code == 200
