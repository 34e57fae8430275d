"""Bad input to the catalogue of the real service: REST and gRPC refuse it with the same code and the same sentence.

What only concerns the faces is in `tests/api/test_api_catalog_parity.py`, things that are no files in
`tests/catalog/test_jobs_hostile.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from damage_kit import DIM, check_all, put, vector

from harness import Served, serve
from sonotype.api.grpc.gen import catalog_pb2 as cat
from sonotype.api.grpc.gen.catalog_pb2_grpc import CatalogStub

pytestmark = pytest.mark.timeout(600)
JSON = {"content-type": "application/json"}
NAN = float("nan")


@dataclass
class Faces:
    """Both of one service."""

    service: Served
    rest: httpx.Client
    rpc: CatalogStub


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with all that is no sound in it, and a folder beside it that nobody may reach."""
    folder = tmp_path_factory.mktemp("refusals")
    (folder / "secret").mkdir()
    (folder / "secret" / "song.wav").write_bytes(b"RIFF")
    root = folder / "music"
    root.mkdir()
    (root / "out").symlink_to(folder / "secret")
    (root / "out.wav").symlink_to(folder / "secret" / "song.wav")
    os.mkfifo(root / "pipe.wav")
    (root / "empty.wav").touch()
    os.utime(root / "empty.wav", (1, 1))
    return root


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory, music: Path) -> Iterator[Faces]:
    folder = tmp_path_factory.mktemp("faces")
    settings = {"default_model": "fake", "catalog_embedding": "fake@vector", "devices": "cpu:1", "decode_workers": 1}
    with serve(folder, models="fake", ingest_root=music, **settings) as service:
        service.wait_until(lambda client: client.get("/readyz").json()["catalog"] == "ok", 240)
        service.wait_ready(240)
        with (
            httpx.Client(base_url=service.url, timeout=120) as rest,
            grpc.insecure_channel(f"127.0.0.1:{service.grpc_port}") as channel,
        ):
            assert put(rest, 1).status_code == 201
            yield Faces(service, rest, CatalogStub(channel))


def put_by_rpc(rpc: CatalogStub, data: bytes = b"", **options: Any) -> Any:
    chunks = [cat.PutTrackRequest(chunk=data)] if data else []
    return rpc.PutTrack(iter([cat.PutTrackRequest(options=cat.PutTrackOptions(**options)), *chunks]), timeout=120)


def similar_by_rpc(rpc: CatalogStub, **options: Any) -> Any:
    return rpc.Similar(iter([cat.SimilarRequest(options=cat.SimilarOptions(**options))]), timeout=120)


def stored(metadata: dict[str, Any], embedding: list[float]) -> tuple[Any, Any]:
    """A track, by both faces."""
    body = json.dumps({"metadata": metadata, "embedding": embedding})
    return (
        lambda rest: rest.put("/v1/tracks/x", content=body, headers=JSON),
        lambda rpc: put_by_rpc(rpc, id="x", metadata=cat.TrackMetadata(**metadata), embedding=embedding),
    )


def sought(**seed: Any) -> tuple[Any, Any]:
    """A query with one seed, by both faces."""
    told = seed | {"embedding": cat.Vector(values=seed["embedding"])} if "embedding" in seed else seed
    return (
        lambda rest: rest.post("/v1/similar", content=json.dumps({"seeds": [seed]}), headers=JSON),
        lambda rpc: similar_by_rpc(rpc, seeds=[cat.Seed(**told)]),
    )


BAD: dict[str, tuple[str, tuple[Callable[[httpx.Client], httpx.Response], Callable[[CatalogStub], Any]]]] = {
    "get an unknown id": (
        "not_found",
        (lambda r: r.get("/v1/tracks/nobody"), lambda r: r.GetTrack(cat.GetTrackRequest(id="nobody"))),
    ),
    "delete an unknown id": (
        "not_found",
        (lambda r: r.delete("/v1/tracks/nobody"), lambda r: r.DeleteTrack(cat.DeleteTrackRequest(id="nobody"))),
    ),
    "similar to an unknown id": ("not_found", sought(track="nobody")),
    "reasons of an unknown id": (
        "not_found",
        (
            lambda r: r.get("/v1/tracks/t1/similar/nobody/why"),
            lambda r: r.ExplainMatch(cat.ExplainMatchRequest(track_a="t1", track_b="nobody")),
        ),
    ),
    "path to an unknown id": (
        "not_found",
        (
            lambda r: r.get("/v1/tracks/t1/path/nobody"),
            lambda r: r.FindPath(cat.FindPathRequest(start="t1", end="nobody")),
        ),
    ),
    "an unknown prototype": ("not_found", sought(prototype="nothing.at-all.0")),
    "an unknown tag": ("not_found", sought(tag="never heard")),
    "store too short a vector": ("invalid_request", stored({}, [1.0] * (DIM - 1))),
    "store too long a vector": ("invalid_request", stored({}, [1.0] * (DIM + 1))),
    "store NaN": ("invalid_request", stored({}, [NAN] + [1.0] * (DIM - 1))),
    "store infinity": ("invalid_request", stored({}, [float("inf")] + [1.0] * (DIM - 1))),
    "store nothing but zeros": ("invalid_request", stored({}, [0.0] * DIM)),
    "seek too short a vector": ("invalid_request", sought(embedding=[1.0] * (DIM - 1))),
    "seek NaN": ("invalid_request", sought(embedding=[NAN] * DIM)),
    "a title of 10 kB": ("invalid_request", stored({"title": "x" * 10_240}, vector(2))),
    "an upload of no bytes": (
        "undecodable",
        (
            lambda r: r.put("/v1/tracks/x", content=b"", headers={"content-type": "audio/wav"}),
            lambda r: put_by_rpc(r, id="x"),
        ),
    ),
    "an upload that is no sound": (
        "unsupported_format",
        (
            lambda r: r.put("/v1/tracks/x", content=b"no sound" * 99, headers={"content-type": "audio/wav"}),
            lambda r: put_by_rpc(r, b"no sound" * 99, id="x"),
        ),
    ),
    "promote an unknown generation": (
        "not_found",
        (
            lambda r: r.post("/v1/catalog/generations/never/promote"),
            lambda r: r.PromoteGeneration(cat.PromoteGenerationRequest(name="never")),
        ),
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_alike(faces: Faces, what: str) -> None:
    code, (by_rest, by_rpc) = BAD[what]
    problem = by_rest(faces.rest).json()
    with pytest.raises(grpc.RpcError) as caught:
        by_rpc(faces.rpc)
    assert problem["code"] == dict(caught.value.trailing_metadata() or ())["sonotype-code"] == code, problem
    said = str(caught.value.details())
    assert problem["detail"] == said or "JSON" in problem["detail"]  # which knows no NaN
    assert 10 < len(said) < 400
    check_all(faces.rest, [1])


PATHS = ["..", "../secret", "/etc", "/etc/passwd", "a/../../secret", "out", "out/song.wav", "nothing", "nul\0"]


@pytest.mark.parametrize("path", PATHS)
def test_paths_out_of_the_root_are_refused_alike(faces: Faces, path: str) -> None:
    """At once, or by a job that fails as a whole; never by a stored track."""
    answer = faces.rest.post("/v1/jobs", json={"kind": "ingest", "path": path})
    request = cat.CreateJobRequest(kind=cat.JOB_KIND_INGEST, path=path)
    if answer.status_code == 202:
        told = [finished(faces, answer.json()["id"]), finished(faces, faces.rpc.CreateJob(request).id)]
        assert [job["state"] for job in told] == ["failed", "failed"]
        assert told[0]["error"] == told[1]["error"]
        assert "secret" not in told[0]["error"].replace(path, "")
    else:
        with pytest.raises(grpc.RpcError) as caught:
            faces.rpc.CreateJob(request)
        assert answer.json()["code"] == dict(caught.value.trailing_metadata() or ())["sonotype-code"]
        assert answer.json()["detail"] == caught.value.details()
    check_all(faces.rest, [1])


def finished(faces: Faces, job: str) -> dict[str, Any]:
    faces.service.wait_until(lambda client: client.get(f"/v1/jobs/{job}").json()["final"], 120)
    found: dict[str, Any] = faces.rest.get(f"/v1/jobs/{job}").json()
    return found


def test_things_that_are_no_files_are_told_alike(faces: Faces) -> None:
    made = faces.rpc.CreateJob(cat.CreateJobRequest(kind=cat.JOB_KIND_INGEST, path="."))
    job = finished(faces, made.id)
    assert job["state"] == "completed_with_errors"
    by_rest = faces.rest.get(f"/v1/jobs/{made.id}/files").json()["files"]
    by_rpc = faces.rpc.ListJobFiles(cat.ListJobFilesRequest(id=made.id)).files
    assert {file["path"]: file["state"] for file in by_rest} == dict.fromkeys(
        ["empty.wav", "out", "out.wav", "pipe.wav"], "skipped"
    )
    assert all(file["detail"] for file in by_rest)
    states = [(file.path, cat.FileState.Name(file.state), file.detail) for file in by_rpc]
    assert states == [(file["path"], f"FILE_STATE_{file['state'].upper()}", file["detail"]) for file in by_rest]
    check_all(faces.rest, [1])
