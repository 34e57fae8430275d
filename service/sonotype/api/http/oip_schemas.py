"""The bodies of the Open Inference Protocol, for OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from sonotype.api.http.body import Body
from sonotype.core.errors import TABLE, Code

_REF = "#/components/schemas/"


class ErrorBody(Body):
    """An error below `/v2`; the header `Sonotype-Code` carries its stable code."""

    error: str = Field(examples=["There is no model named 'x'."])


class ServerLiveBody(Body):
    """Whether the process is alive."""

    live: bool


class ServerReadyBody(Body):
    """Whether requests can be answered."""

    ready: bool


class ModelReadyBody(Body):
    """Whether requests for a model can be answered."""

    name: str
    ready: bool


class ServerBody(Body):
    """What the server is."""

    name: str = Field(examples=["sonotype"])
    version: str
    extensions: list[str] = Field(examples=[["binary_tensor_data"]])


class TensorInfoBody(Body):
    """A tensor of a model."""

    name: str = Field(examples=["scores"])
    datatype: str = Field(examples=["FP32"])
    shape: list[int] = Field(examples=[[-1, 50]])


class MetadataBody(Body):
    """What a model takes and gives."""

    name: str = Field(examples=["musicnn-msd"])
    versions: list[str] = Field(examples=[["1"]])
    platform: str = Field(examples=["sonotype_musicnn"])
    inputs: list[TensorInfoBody]
    outputs: list[TensorInfoBody]


class IndexBody(Body):
    """One model of the repository."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str


class OutputBody(Body):
    """One output; its data, or with `binary_data_size` so many bytes behind the JSON."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float] | list[str] | None = None
    parameters: dict[str, int] | None = None


class AnswerBody(Body):
    """The answer of a model."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputBody]


def errors(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """OpenAPI answers for the statuses of `codes`."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(TABLE[code].http, []).append(code.value)
    return {
        status: {"model": ErrorBody, "description": "`" + "`, `".join(names) + "`"}
        for status, names in sorted(by_status.items())
    }


def infer_options(extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What OpenAPI says of inference; the same errors as of `/v1/analyze`."""
    codes = (
        *(Code.INVALID_REQUEST, Code.UNAUTHENTICATED, Code.MODEL_NOT_FOUND, Code.UPLOAD_TIMEOUT),
        *(Code.UPLOAD_TOO_LARGE, Code.AUDIO_TOO_LONG, Code.AUDIO_TOO_SHORT, Code.UNSUPPORTED_FORMAT),
        *(Code.UNDECODABLE, Code.NON_FINITE, Code.QUARANTINED, Code.ITEM_FAILED, Code.RATE_LIMITED),
        *(Code.OVERLOADED, Code.DRAINING, Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.INTERNAL),
    )
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {"application/json": {"schema": {"$ref": f"{_REF}InferBody"}}, "application/octet-stream": binary}
    return {
        "response_model": None,
        "responses": {200: {"model": AnswerBody, "content": {"application/octet-stream": binary}}, **errors(*codes)},
        "openapi_extra": {"requestBody": {"required": True, "content": content}, **(extra or {})},
    }
