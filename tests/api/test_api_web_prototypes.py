"""What the page asks concerning prototypes, and the fields that it reads."""

from __future__ import annotations

import httpx
import pytest

from sonotype.api.web.routes import assets

MODEL = "pecmae"
AUDIO = {"content-type": "application/octet-stream"}


async def test_reasons_have_what_the_page_shows(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"/v1/analyze?top_k=12&timeline=true&model={MODEL}", content=b"RIFF", headers=AUDIO)
    [result] = answer.json()["results"]
    reasons = result["reasons"]
    assert {"out_of_distribution", "similarity_max", "ood_threshold", "labels", "nearest", "heat"} <= set(reasons)
    assert [each["label"] for each in reasons["labels"]] == [tag["label"] for tag in result["tags"]]
    for each in reasons["labels"]:
        shares = [share["evidence"] for share in each["for"] + each["against"]]
        assert each["baseline"] + sum(shares) + each["rest"] == pytest.approx(each["logit"], abs=1e-6)
    first = reasons["labels"][0]["for"] + reasons["labels"][0]["against"]
    assert {"id", "label", "evidence", "similarity", "audio_url"} <= set(first[0])
    assert {"id", "label", "similarity", "audio_url"} <= set(reasons["nearest"][0])


async def test_every_row_of_the_heat_lines_has_a_class(client: httpx.AsyncClient) -> None:
    """`compare.js` looks the class of a prototype up among the evidence and the nearest."""
    answer = await client.post(f"/v1/analyze?timeline=true&model={MODEL}", content=b"RIFF", headers=AUDIO)
    [result] = answer.json()["results"]
    heat, reasons = result["reasons"]["heat"], result["reasons"]
    listed = [share for each in reasons["labels"] for share in each["for"] + each["against"]] + reasons["nearest"]
    assert set(heat["prototypes"]) <= {each["id"] for each in listed}
    assert heat["starts_s"] == result["timeline"]["starts_s"]
    assert {len(row) for row in heat["evidence"] + heat["similarity"]} == {len(heat["prototypes"])}


async def test_the_gallery_has_what_it_shows(client: httpx.AsyncClient) -> None:
    summaries = (await client.get(f"/v1/prototypes?model={MODEL}")).json()["prototypes"]
    pills = assets()["badge.js"].content.decode()
    for summary in summaries:
        assert {"id", "label", "verdict", "audio_url", "rendering", "purity", "share"} <= set(summary)
        assert f"  {summary['verdict']}: [" in pills
        assert summary["id"].startswith(f"{MODEL}.")
        detail = (await client.get(f"/v1/prototypes/{summary['id']}")).json()
        assert {"id", "note", "renderings", "badge", "decoded_medoid", "provenance"} <= set(detail)
        assert all({"kind", "seed", "url"} == set(rendering) for rendering in detail["renderings"])
        if detail["badge"]:
            assert {"share", "cosine", "ceiling", "failed", "scores", "null_other", "null_zero"} <= set(detail["badge"])


async def test_the_mix_and_both_ways_are_understood(client: httpx.AsyncClient) -> None:
    ids = [each["id"] for each in (await client.get(f"/v1/prototypes?model={MODEL}")).json()["prototypes"]]
    bodies = [
        {"model": MODEL, "prototypes": [{"id": one, "weight": 0.5} for one in ids[:4]], "seed": 0},
        {"model": MODEL, "path": {"from_label": "cello", "to_label": "flute", "points": 5}, "seed": 0},
    ]
    answers = [await client.post("/v1/sonify", json=body) for body in bodies]
    for options in (f"model={MODEL}&seed=0", f"model={MODEL}&to_label=flute&points=5&seed=0"):
        answers.append(await client.post(f"/v1/sonify?{options}", content=b"RIFF", headers=AUDIO))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.headers["sonotype-labels"].count(":") for answer in answers] == [1, 5, 1, 5]
    assert {answer.headers["content-type"] for answer in answers} == {"audio/wav"}
    assert all(float(answer.headers["sonotype-duration"]) > 0 for answer in answers)


async def test_models_say_what_the_page_needs_of_a_decoder(client: httpx.AsyncClient) -> None:
    models = {model["name"]: model for model in (await client.get("/v1/models")).json()["models"]}
    assert models["fake"].get("prototypes") is None
    prototypes = models[MODEL]["prototypes"]
    assert {"n_prototypes", "backbone", "temperature", "multilabel", "decoder"} <= set(prototypes)
    assert models[MODEL]["kind"] == "prototypes"
