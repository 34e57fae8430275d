"""Bodies of inference: JSON, and behind it the bytes of tensors (the extension `binary_tensor_data`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json
from starlette.responses import Response

from sonotype.api.oip.infer import InferAnswer
from sonotype.api.oip.request import MAX_CLASSES, InferRequest, Wanted
from sonotype.api.oip.tensors import Tensor, from_raw, from_values, invalid, to_raw
from sonotype.api.options import parse_options

# JSON that holds samples as text grows to many times its size while it is read
MAX_JSON_BYTES = 16 * 2**20
_DIGITS = re.compile("[0-9]{1,18}")
Size = Annotated[int, Field(ge=0, le=2**40)]
Parameters = dict[str, bool | int | float | str | None]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class InputBody(_Part):
    """One input: its data, or with the parameter `binary_data_size` so many bytes behind the JSON."""

    name: str = Field(max_length=128, examples=["audio"])
    datatype: str = Field(max_length=16, examples=["BYTES"])
    shape: list[Size] = Field(max_length=8, examples=[[1]])
    parameters: Parameters = Field(default_factory=dict)
    data: list[Any] | None = Field(None, description="flat or nested; strings for BYTES")


class OutputParameters(_Part):
    """Extensions of one output."""

    binary_data: bool | None = Field(None, description="its bytes behind the JSON")
    classification: int = Field(0, ge=0, le=MAX_CLASSES, description="so many best scores with their labels")


class WantedBody(_Part):
    """One output that is asked for."""

    name: str = Field(max_length=128, examples=["scores"])
    parameters: OutputParameters = OutputParameters()


class InferBody(_Part):
    """A request for inference."""

    id: str = Field("", max_length=256)
    parameters: Parameters = Field(
        default_factory=dict, description="the options of `/v1/analyze`, `sample_rate`, `binary_data_output`"
    )
    inputs: list[InputBody] = Field(min_length=1, max_length=1)
    outputs: list[WantedBody] = Field([], max_length=64, description="none means all")


def read_request(body: bytes, head_length: str | None, model: str, version: str) -> InferRequest:
    """Parse a body. Raises `invalid_request`, naming what is wrong."""
    head, rest = _parted(body, head_length)
    try:
        values = from_json(head, allow_inf_nan=False)
    except ValueError as error:
        raise invalid(f"The body is not JSON, which has neither NaN nor Infinity: {error}.") from None
    parsed = parse_options(InferBody, values)
    binary = parsed.parameters.get("binary_data_output", False)
    if not isinstance(binary, bool):
        raise invalid("binary_data_output is true or false.")
    own = {name: value for name, value in parsed.parameters.items() if name != "binary_data_output"}
    of_input = {name: value for name, value in parsed.inputs[0].parameters.items() if name != "binary_data_size"}
    wanted = tuple(
        Wanted(output.name, output.parameters.binary_data, output.parameters.classification)
        for output in parsed.outputs
    )
    tensor = _tensor(parsed.inputs[0], rest)
    return InferRequest(model, version, parsed.id, (tensor,), own | of_input, wanted, binary_output=binary)


def write_answer(request: InferRequest, answer: InferAnswer, headers: dict[str, str]) -> Response:
    """The body of an answer, outputs as JSON or behind it as they were asked for."""
    asked = {output.name: output.binary for output in request.wanted}
    blobs: list[bytes] = []
    outputs = []
    for tensor in answer.outputs:
        body: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        wish = asked.get(tensor.name)
        if request.binary_output if wish is None else wish:
            blobs.append(to_raw(tensor))
            body["parameters"] = {"binary_data_size": len(blobs[-1])}
        else:
            body["data"] = _values(tensor)
        outputs.append(body)
    told = {"model_name": answer.model, "model_version": answer.version, "outputs": outputs}
    head = orjson.dumps(told | ({"id": request.id} if request.id else {}), option=orjson.OPT_SERIALIZE_NUMPY)
    headers = {"cache-control": "no-store", **headers}
    if not blobs:
        return Response(head, 200, headers, "application/json")
    headers |= {"Inference-Header-Content-Length": str(len(head))}
    return Response(b"".join((head, *blobs)), 200, headers, "application/octet-stream")


def _parted(body: bytes, head_length: str | None) -> tuple[bytes, memoryview]:
    """The JSON and what lies behind it."""
    size = len(body)
    if head_length is not None:
        if not (_DIGITS.fullmatch(head_length) and int(head_length) <= size):
            raise invalid("Inference-Header-Content-Length is not the length of the JSON at the body's beginning.")
        size = int(head_length)
    if size > MAX_JSON_BYTES:
        raise invalid(f"JSON may have at most {MAX_JSON_BYTES} bytes; send audio as binary tensor data.")
    return body[:size], memoryview(body)[size:]


def _tensor(given: InputBody, rest: memoryview) -> Tensor:
    size = given.parameters.get("binary_data_size")
    if size is None:
        if given.data is None or len(rest):
            raise invalid("An input has either data or the parameter binary_data_size.")
        return from_values(given.name, given.datatype, given.shape, given.data)
    if given.data is not None or isinstance(size, bool) or size != len(rest):
        raise invalid("binary_data_size is not the number of bytes behind the JSON, or there are data as well.")
    return from_raw(given.name, given.datatype, given.shape, rest)


def _values(tensor: Tensor) -> Sequence[Any]:
    if isinstance(tensor.data, list):
        return [element.decode() for element in tensor.data]
    return tensor.data  # type: ignore[return-value]
