"""REST, gRPC and the command line give the same answer to the same clip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest

from harness import MODELS, Served, serve, tone
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("parity")) as service:
        service.wait_ready()
        yield service


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.wav"
    path.write_bytes(tone(5.5, 77))
    return path


def by_rest(served: Served, clip: Path) -> dict[str, float]:
    with clip.open("rb") as file:
        answer = httpx.post(
            f"{served.url}/v1/analyze",
            params={"model": "fake", "top_k": "all", "cache": "bypass"},
            files={"file": ("../../etc/passwd", file)},
        )
    return {tag["label"]: tag["score"] for tag in answer.json()["results"][0]["tags"]}


def by_command(clip: Path, *arguments: str, folder: Path) -> dict[str, float]:
    environment = os.environ | {
        "SONOTYPE_MODEL_PATH": str(MODELS),
        "SONOTYPE_MODELS": "fake",
        "SONOTYPE_DATA_DIR": str(folder),
        "SONOTYPE_DEVICES": "cpu:1",
    }
    command = [sys.executable, "-m", "sonotype", "analyze", str(clip), "--model", "fake", "--top-k", "0"]
    done = subprocess.run(
        [*command, "--format", "json", "--no-cache", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {tag["label"]: tag["score"] for tag in json.loads(done.stdout)[0]["results"][0]["tags"]}


def by_grpc(served: Served, clip: Path) -> dict[str, float]:
    def messages() -> Iterator[pb.AnalyzeRequest]:
        yield pb.AnalyzeRequest(options=pb.AnalyzeOptions(models=["fake"], all_tags=True, bypass_cache=True))
        data = clip.read_bytes()
        for start in range(0, len(data), 10_000):
            yield pb.AnalyzeRequest(chunk=data[start : start + 10_000])

    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        answer = SonotypeStub(channel).Analyze(messages(), timeout=30)
    return {tag.label: tag.score for tag in answer.results[0].tags}


def test_every_face_gives_the_same_tags(served: Served, clip: Path, tmp_path: Path) -> None:
    rest = by_rest(served, clip)
    answers = [
        by_grpc(served, clip),
        by_command(clip, folder=tmp_path),
        by_command(clip, "--server", served.url, folder=tmp_path),
    ]
    assert len(rest) == 8
    for other in answers:
        assert list(other) == list(rest)
        np.testing.assert_allclose(list(other.values()), list(rest.values()), atol=1.1e-6)
