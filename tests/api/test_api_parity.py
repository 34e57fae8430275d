"""REST and gRPC say the same of the same file."""

from __future__ import annotations

from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from fakeplane import FakePlane
from google.protobuf.json_format import MessageToDict

from sonotype.api.grpc import convert
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub
from sonotype.api.params import AnalyzeParams
from sonotype.core.errors import TABLE, SonotypeError
from sonotype.core.types import Crop, Lane
from sonotype.plane.query import AnalyzeQuery

DATA = bytes(range(256)) * 40
CASES: list[tuple[dict[str, Any], pb.AnalyzeOptions]] = [
    ({}, pb.AnalyzeOptions()),
    ({"top_k": 3, "threshold": 0.4, "timeline": "true"}, pb.AnalyzeOptions(top_k=3, threshold=0.4, timeline=True)),
    ({"top_k": "all", "model": ["other", "fake"]}, pb.AnalyzeOptions(all_tags=True, models=["other", "fake"])),
    ({"top_k": 0, "embeddings": ["default"]}, pb.AnalyzeOptions(top_k=0, embeddings=["default"])),
    (
        {"embeddings": ["vector", "small"], "embedding_scope": "patches"},
        pb.AnalyzeOptions(embeddings=["vector", "small"], embedding_scope=pb.EMBEDDING_SCOPE_PATCHES),
    ),
    (
        {"offset_s": 1.5, "duration_s": 2, "hop_s": 0.5, "tail": "pad", "frontend": "zero", "lane": "bulk"},
        pb.AnalyzeOptions(
            offset_s=1.5, duration_s=2, hop_s=0.5, tail=pb.TAIL_POLICY_PAD, frontend="zero", lane=pb.LANE_BULK
        ),
    ),
    (
        {"model": ["valence", "mood", "fake"], "top_k": 1, "threshold": 0.2, "timeline": "true"},
        pb.AnalyzeOptions(models=["valence", "mood", "fake"], top_k=1, threshold=0.2, timeline=True),
    ),
    ({"cache": "bypass", "timeout_s": 7}, pb.AnalyzeOptions(bypass_cache=True, timeout_s=7)),
    (
        {"model": ["other", "fake"], "quality": "fast", "tail": "align"},
        pb.AnalyzeOptions(models=["other", "fake"], quality=pb.QUALITY_FAST, tail=pb.TAIL_POLICY_ALIGN),
    ),
    (
        {"model": "other", "patchout_time": 2, "patchout_freq": 1, "patchout_seed": 0},
        pb.AnalyzeOptions(models=["other"], patchout_time=2, patchout_freq=1, patchout_seed=0),
    ),
    (
        {"model": "other", "quality": "balanced", "patchout_time": 1},
        pb.AnalyzeOptions(models=["other"], quality=pb.QUALITY_BALANCED, patchout_time=1),
    ),
]


def messages(options: pb.AnalyzeOptions, data: bytes = DATA) -> list[pb.AnalyzeRequest]:
    pieces = [data[start : start + 1000] for start in range(0, len(data), 1000)]
    return [pb.AnalyzeRequest(options=options), *(pb.AnalyzeRequest(chunk=piece) for piece in pieces)]


@pytest.mark.parametrize(("params", "options"), CASES)
async def test_same_file_same_answer(
    client: httpx.AsyncClient, stub: SonotypeStub, plane: FakePlane, params: dict[str, Any], options: pb.AnalyzeOptions
) -> None:
    rest = await client.post("/v1/analyze", params=params, content=DATA, headers={"content-type": "audio/wav"})
    assert rest.status_code == 200
    rpc = await stub.Analyze(iter(messages(options)))
    (rest_upload, rest_query), (rpc_upload, rpc_query) = plane.calls
    assert rest_upload == rpc_upload
    assert rest_query == rpc_query
    body = rest.json()
    assert MessageToDict(rpc.clip, preserving_proto_field_name=True, always_print_fields_with_no_presence=True) == (
        body["clip"] | {"duration_s": pytest.approx(body["clip"]["duration_s"])}
    )
    for theirs, ours in zip(body["results"], rpc.results, strict=True):
        compare(theirs, ours)


def compare(rest: dict[str, Any], rpc: pb.Result) -> None:
    for name in ("model", "model_sha256", "frontend", "precision", "cached"):
        assert rest[name] == getattr(rpc, name)
    assert pb.Task.Name(rpc.task) == f"TASK_{rest['task'].upper()}"
    assert rest["patches"]["count"] == rpc.patches.count
    assert rest["patches"]["length_s"] == rpc.patches.length_s
    assert convert.TAILS[rest["patches"]["tail"]] == rpc.patches.tail
    assert convert.SHORTS[rest["patches"]["short"]] == rpc.patches.short
    for name in ("hop_s", "dropped_s", "filled_s", "overlap_s"):
        assert rest["patches"][name] == getattr(rpc.patches, name)
    assert convert.QUALITIES[rest["quality"]] == rpc.quality
    compare_patchout(rest["patchout"], rpc)
    assert [tag["label"] for tag in rest["tags"]] == [tag.label for tag in rpc.tags]
    assert [tag["score"] for tag in rest["tags"]] == pytest.approx([tag.score for tag in rpc.tags], abs=1e-6)
    assert ("timeline" in rest) == rpc.HasField("timeline")
    if "timeline" in rest:
        assert rest["timeline"]["labels"] == list(rpc.timeline.labels)
        np.testing.assert_allclose(rest["timeline"]["scores"], [row.scores for row in rpc.timeline.rows], atol=1e-6)
    assert len(rest.get("embeddings", ())) == len(rpc.embeddings)
    for theirs, ours in zip(rest.get("embeddings", ()), rpc.embeddings, strict=True):
        assert (theirs["name"], theirs["dim"]) == (ours.name, ours.dim)
        values = np.array(ours.values, dtype=np.float32).reshape(ours.rows, ours.dim)
        np.testing.assert_array_equal(np.atleast_2d(np.array(theirs["values"], dtype=np.float32)), values)


def compare_patchout(rest: dict[str, Any] | None, rpc: pb.Result | pb.QualityInfo) -> None:
    assert (rest is not None) == rpc.HasField("patchout")
    if rest is not None:
        for name in ("time_every", "freq_every", "time_drop", "freq_drop"):
            assert rest[name] == getattr(rpc.patchout, name)
        assert rest["seed"] == (rpc.patchout.seed if rpc.patchout.HasField("seed") else None)


async def test_same_models(client: httpx.AsyncClient, stub: SonotypeStub) -> None:
    rest = (await client.get("/v1/models")).json()["models"]
    rpc = (await stub.ListModels(pb.ListModelsRequest())).models
    assert len(rest) == len(rpc)
    for theirs, ours in zip(rest, rpc, strict=True):
        for name in ("name", "version", "title", "description", "pulled", "served", "precision", "sample_rate_hz"):
            assert theirs[name] == getattr(ours, name)
        for name in ("labels", "frontends"):
            assert theirs[name] == list(getattr(ours, name))
        assert theirs["default"] == ours.is_default
        assert theirs["patch"]["length_s"] == pytest.approx(ours.patch_length_s)
        assert [e["name"] for e in theirs["embeddings"]] == [e.name for e in ours.embeddings]
        assert theirs["licence"]["spdx"] == ours.licence.spdx
        grid = theirs["grid"] or {"rows": 0, "columns": 0}
        assert (grid["rows"], grid["columns"]) == (ours.patch_rows, ours.patch_columns)
        for one, other in zip(theirs["qualities"], ours.qualities, strict=True):
            assert convert.QUALITIES[one["quality"]] == other.quality
            assert one["cost"] == pytest.approx(other.cost, abs=1e-6)
            compare_patchout(one["patchout"], other)
    assert await stub.GetModel(pb.GetModelRequest(name="other@2")) == rpc[1]


def test_defaults_of_the_faces_are_those_of_the_plane() -> None:
    assert AnalyzeParams().query() == convert.query_of(pb.AnalyzeOptions()) == AnalyzeQuery()
    assert AnalyzeQuery().crop == Crop()
    assert AnalyzeQuery().lane is Lane.INTERACTIVE


@pytest.mark.parametrize(
    "options",
    [
        pb.AnalyzeOptions(threshold=1.5),
        pb.AnalyzeOptions(threshold=float("nan")),
        pb.AnalyzeOptions(offset_s=-1),
        pb.AnalyzeOptions(duration_s=0),
        pb.AnalyzeOptions(hop_s=float("inf")),
        pb.AnalyzeOptions(timeout_s=0),
        pb.AnalyzeOptions(models=[""]),
        pb.AnalyzeOptions(models=["m"] * 17),
        pb.AnalyzeOptions(top_k=2**31),
        pb.AnalyzeOptions(lane=7),  # type: ignore[arg-type]
        pb.AnalyzeOptions(quality=9),  # type: ignore[arg-type]
        pb.AnalyzeOptions(patchout_time=100_001),
        pb.AnalyzeOptions(patchout_seed=2**31),
    ],
)
def test_bad_options_are_refused_as_on_rest(options: pb.AnalyzeOptions) -> None:
    with pytest.raises(SonotypeError) as caught:
        convert.query_of(options)
    assert caught.value.code == "invalid_request"


def test_status_names_of_the_table_exist() -> None:
    assert {meaning.grpc for meaning in TABLE.values()} <= {status.name for status in grpc.StatusCode}
