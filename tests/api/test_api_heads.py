"""Transfer heads on every face: what they are, values that are neither cut nor sorted, probabilities as of others."""

from __future__ import annotations

import httpx
import pytest
from fakeplane import FakePlane

from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub
from sonotype.api.http import schemas
from sonotype.plane.port import pick_tags

DATA = bytes(range(256)) * 40


async def test_a_head_tells_what_it_is_and_what_it_stands_on(client: httpx.AsyncClient, stub: SonotypeStub) -> None:
    body = (await client.get("/v1/models/mood")).json()
    schemas.ModelBody.model_validate(body)
    assert (body["kind"], body["labels"]) == ("head", ["happy", "not happy"])
    assert body["head"] == {
        "backbone": "fake",
        "embedding": "small",
        "task": "multiclass",
        "positive": "happy",
        "temperature": 1.5,
        "layers": [7, 2],
    }
    assert "prototypes" not in body
    assert [embedding["name"] for embedding in body["embeddings"]] == ["small", "vector"]
    assert (body["frontends"][0], body["patch"]["hop_s"]) == ("zero", 0.5), "as it asks its backbone"
    rpc = await stub.GetModel(pb.GetModelRequest(name="mood"))
    assert rpc.kind == pb.MODEL_KIND_HEAD
    assert (rpc.head.backbone, rpc.head.embedding, list(rpc.head.layers)) == ("fake", "small", [7, 2])
    assert (rpc.head.task, rpc.head.positive, rpc.head.temperature) == (pb.TASK_MULTICLASS, "happy", 1.5)
    assert (rpc.frontends[0], rpc.patch_hop_s) == ("zero", 0.5)
    other = await stub.GetModel(pb.GetModelRequest(name="valence"))
    assert not other.head.HasField("positive")
    assert (other.frontends[0], other.patch_hop_s) == ("plain", 1.0)


@pytest.mark.parametrize("params", [{}, {"top_k": 1}, {"threshold": 1.0}, {"top_k": "all"}])
async def test_all_values_of_a_regression_are_shown_as_they_are(
    client: httpx.AsyncClient, params: dict[str, str]
) -> None:
    sent = {"model": "valence", "timeline": "true", **params}
    (result,) = (await client.post("/v1/tags", params=sent, content=DATA)).json()["results"]
    schemas.Result.model_validate(result)
    assert result["task"] == "regression"
    assert [tag["label"] for tag in result["tags"]] == result["timeline"]["labels"] == ["valence", "arousal"]
    valence, arousal = (tag["score"] for tag in result["tags"])
    assert valence < 0 < arousal, "not sorted, not cut to 0..1, not hidden below the threshold"


async def test_nobody_who_asks_for_no_tags_gets_values(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/embeddings", params={"model": "valence"}, content=DATA)
    assert answer.json()["results"][0]["tags"] == []


async def test_classes_of_a_head_are_tags_as_others(client: httpx.AsyncClient, plane: FakePlane) -> None:
    sent = {"model": ["mood", "fake"], "threshold": 0.5}
    mood, fake = (await client.post("/v1/analyze", params=sent, content=DATA)).json()["results"]
    assert (mood["task"], fake["task"]) == ("multiclass", "multilabel")
    assert len(mood["tags"]) == 1
    assert mood["tags"][0]["score"] >= 0.5
    assert "reasons" not in mood
    assert plane.calls[0][1].models == ("mood", "fake")


def test_values_keep_their_order() -> None:
    labels = ("b", "a", "c")
    assert pick_tags(labels, [-3.0, 7.5, 0.0], 1, 0.9, "regression") == [("b", -3.0), ("a", 7.5), ("c", 0.0)]
    assert pick_tags(labels, [-3.0, 7.5, 0.0], 0, 0.0, "regression") == []
    assert pick_tags(labels, [0.1, 0.7, 0.2], 1, 0.0, "multiclass") == [("a", 0.7)]
