"""What is generated and committed is what would be generated now."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from fastapi import FastAPI

ROOT = Path(__file__).resolve().parent.parent.parent


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_protobuf_code_is_fresh(tmp_path: Path) -> None:
    generator = script("gen_proto")
    names = generator.generate(tmp_path)
    committed = sorted(path.name for path in generator.TARGET.iterdir() if path.is_file())
    assert names == committed
    for name in names:
        assert (tmp_path / name).read_text() == (generator.TARGET / name).read_text(), (
            f"run scripts/gen_proto.py: {name}"
        )


@pytest.mark.parametrize("name", ["sonotype", "catalog", "tagger"])
def test_every_message_field_and_method_is_described(name: str) -> None:
    """The proto is the manual of the gRPC face: services, methods, messages and enums carry a comment."""
    lines = (ROOT / f"proto/sonotype/v1/{name}.proto").read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"\s*(service|rpc|message|enum) ", line) and not line.endswith("{}") and "ListModelsRe" not in line:
            above = lines[number - 1].strip()
            assert above.startswith("//") or "GetModelRequest {" in line, line


def test_openapi_document_is_fresh() -> None:
    generator = script("gen_openapi")
    assert generator.TARGET.read_text() == generator.render(), "run scripts/gen_openapi.py"


def test_openapi_documents_what_is_promised(app: FastAPI) -> None:
    document = app.openapi()
    assert set(document["paths"]) == {
        "/v1/analyze",
        "/v1/tags",
        "/v1/embeddings",
        "/v1/models",
        "/v1/models/{name}",
        "/v1/models/{name}/load",
        "/v1/models/{name}/rollback",
        "/v1/models/{name}/unload",
        "/v1/prototypes",
        "/v1/prototypes/{prototype_id}",
        "/v1/prototypes/{prototype_id}/audio",
        "/v1/sonify",
        "/v1/tracks",
        "/v1/tracks/unchanged",
        "/v1/tracks/{track_id}",
        "/v1/tracks/{track_id}/similar",
        "/v1/tracks/{track_id}/similar/{other_id}/why",
        "/v1/tracks/{track_id}/path/{other_id}",
        "/v1/similar",
        "/v1/playlists",
        "/v1/catalog",
        "/v1/catalog/generations/{name}/promote",
        "/v1/taggers",
        "/v1/taggers/{name}",
        "/v1/taggers/{name}/tag",
        "/v1/taggers/{name}/feedback",
        "/v1/taggers/{name}/undo",
        "/v1/taggers/{name}/rollback",
        "/v1/taggers/{name}/versions",
        "/v1/taggers/{name}/report",
        "/v1/jobs",
        "/v1/jobs/{job_id}",
        "/v1/jobs/{job_id}/files",
        "/v1/jobs/{job_id}/events",
        "/v1/jobs/{job_id}/cancel",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/{name}",
        "/v2/models/{name}/infer",
        "/v2/models/{name}/ready",
        "/v2/models/{name}/versions/{version}",
        "/v2/models/{name}/versions/{version}/infer",
        "/v2/models/{name}/versions/{version}/ready",
        "/v2/repository/index",
        "/livez",
        "/readyz",
        "/metrics",
    }
    responses = document["paths"]["/v1/analyze"]["post"]["responses"]
    assert {"200", "400", "401", "404", "408", "413", "415", "422", "429", "500", "503", "504"} <= set(responses)
    assert "application/problem+json" in responses["413"]["content"]
    assert "HTTPValidationError" not in json.dumps(document)


def test_openapi_references_resolve(app: FastAPI) -> None:
    document = app.openapi()
    for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)):
        assert name in document["components"]["schemas"]


def test_every_parameter_is_described(app: FastAPI) -> None:
    for path, operations in app.openapi()["paths"].items():
        for parameter in (one for operation in operations.values() for one in operation.get("parameters", ())):
            assert parameter.get("description") or parameter["in"] == "path", (path, parameter["name"])
