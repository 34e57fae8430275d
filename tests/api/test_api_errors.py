"""Contract: every code of the table means on both faces what the table says."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import httpx
import pytest
from fakeplane import FakePlane

from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub
from sonotype.api.http import schemas
from sonotype.core.errors import TABLE, Code, SonotypeError

API_DIR = Path(schemas.__file__).parent.parent


def requests() -> list[pb.AnalyzeRequest]:
    return [pb.AnalyzeRequest(options=pb.AnalyzeOptions()), pb.AnalyzeRequest(chunk=b"RIFF")]


@pytest.mark.parametrize("code", list(Code))
async def test_code_on_rest(client: httpx.AsyncClient, plane: FakePlane, code: Code) -> None:
    plane.error = SonotypeError(code, "What went wrong.", retry_after_s=2.2)
    answer = await client.post("/v1/analyze", content=b"RIFF", headers={"content-type": "audio/wav"})
    problem = schemas.Problem.model_validate(answer.json())
    meaning = TABLE[code]
    assert answer.status_code == problem.status == meaning.http
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem.code, problem.title, problem.detail) == (code, meaning.title, "What went wrong.")
    assert problem.type == f"urn:sonotype:problem:{code}"
    assert problem.retryable is meaning.retryable
    assert answer.headers.get("retry-after") == ("3" if meaning.retryable else None)
    assert problem.request_id == answer.headers["x-request-id"]


@pytest.mark.parametrize("code", list(Code))
async def test_code_on_grpc(stub: SonotypeStub, plane: FakePlane, code: Code) -> None:
    plane.error = SonotypeError(code, "What went wrong.", retry_after_s=2.2)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Analyze(iter(requests()), metadata=[("x-request-id", "mine")])
    meaning = TABLE[code]
    trailers = dict(caught.value.trailing_metadata() or ())
    assert caught.value.code().name == meaning.grpc
    assert caught.value.details() == "What went wrong."
    assert trailers["sonotype-code"] == code
    assert trailers["x-request-id"] == "mine"
    assert trailers.get("retry-after-s") == ("3" if meaning.retryable else None)


async def test_a_retryable_refusal_without_advice_says_one_second(client: httpx.AsyncClient, plane: FakePlane) -> None:
    plane.error = SonotypeError(Code.OVERLOADED, "Full.")
    answer = await client.post("/v1/tags", content=b"RIFF", headers={"content-type": "audio/wav"})
    assert answer.headers["retry-after"] == "1"


async def test_refusals_are_counted_by_reason(client: httpx.AsyncClient, plane: FakePlane) -> None:
    def counted(text: str) -> float:
        found = re.search(r'sonotype_rejected_total\{reason="queue_full"\} (\S+)', text)
        return float(found[1]) if found else 0.0

    before = counted((await client.get("/metrics")).text)
    plane.error = SonotypeError(Code.OVERLOADED, "Full.")
    await client.post("/v1/tags", content=b"RIFF", headers={"content-type": "audio/wav"})
    assert counted((await client.get("/metrics")).text) == before + 1


def test_no_face_decides_a_status_by_itself() -> None:
    """Numbers of statuses of errors stand in the table and nowhere else, but for the router's own 404 and 405."""
    pattern = re.compile(r"status(?:_code)?\s*=\s*[45]\d\d|StatusCode\.(?!OK)[A-Z]{3,}")
    for path in API_DIR.rglob("*.py"):
        if "gen" not in path.parts:
            assert pattern.findall(path.read_text().replace("self.status = 500", "")) == [], path.name
