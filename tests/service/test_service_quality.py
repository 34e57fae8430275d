"""A quality means the same through REST, gRPC and the command line of the running service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from harness import Served, serve, tone
from quality_kit import write_grid_model
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub

CLIP = tone(2.3, 78)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("quality")
    write_grid_model(folder / "models")
    with serve(folder, models="grid", model_path=folder / "models", devices="cpu:1") as service:
        service.wait_ready()
        yield service


def by_rest(served: Served, **params: Any) -> httpx.Response:
    asked = {"top_k": "all", "cache": "bypass", **params}
    return httpx.post(f"{served.url}/v1/analyze", params=asked, files={"file": ("clip.wav", CLIP)}, timeout=60)


def by_grpc(served: Served, **options: Any) -> pb.Result:
    asked = pb.AnalyzeOptions(all_tags=True, bypass_cache=True, **options)
    messages = iter([pb.AnalyzeRequest(options=asked), pb.AnalyzeRequest(chunk=CLIP)])
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        answer: pb.AnalyzeResponse = SonotypeStub(channel).Analyze(messages, timeout=60)
    return answer.results[0]


def by_command(served: Served, clip: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "sonotype", "analyze", str(clip), "--top-k", "0", "--format", "json", "--no-cache"]
    done = subprocess.run(
        [*command, "--server", served.url, *arguments],
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    result: dict[str, Any] = json.loads(done.stdout)[0]["results"][0]
    return result


def test_every_face_says_the_same(served: Served, tmp_path: Path) -> None:
    (tmp_path / "clip.wav").write_bytes(CLIP)
    rest = by_rest(served, quality="fast", patchout_time=1).json()["results"][0]
    rpc = by_grpc(served, quality=pb.QUALITY_FAST, patchout_time=1)
    command = by_command(served, tmp_path / "clip.wav", "--quality", "fast", "--patchout-time", "1")
    assert rest["quality"] == command["quality"] == "fast"
    assert rpc.quality == pb.QUALITY_FAST
    assert rest["patchout"] == command["patchout"]
    assert (rest["patchout"]["time_every"], rest["patchout"]["time_drop"]) == (4, 1)
    assert (rpc.patchout.time_every, rpc.patchout.time_drop) == (4, 1)
    assert rest["tags"] == command["tags"]
    assert {tag.label: pytest.approx(tag.score, abs=1e-6) for tag in rpc.tags} == {
        tag["label"]: tag["score"] for tag in rest["tags"]
    }
    assert rest["patches"] == command["patches"]
    assert rest["patches"]["overlap_s"] == pytest.approx(rpc.patches.overlap_s)
    assert rest["patches"]["overlap_s"] > 0.6
    full = by_rest(served).json()["results"][0]
    assert (full["quality"], full["patchout"]) == ("full", None)
    assert full["tags"] != rest["tags"]


def test_a_count_beyond_the_grid_is_refused_alike(served: Served) -> None:
    refused = by_rest(served, patchout_freq=9)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    with pytest.raises(grpc.RpcError) as caught:
        by_grpc(served, patchout_freq=9)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == refused.json()["detail"]
    assert "at most 8, not 9" in refused.json()["detail"]
    unknown = by_rest(served, quality="best")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid_request")
