"""From the messages of the Open Inference Protocol to our requests, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sonotype.api.grpc.gen import grpc_service_pb2 as pb
from sonotype.api.oip.describe import Description, TensorInfo
from sonotype.api.oip.infer import InferAnswer
from sonotype.api.oip.request import MAX_CLASSES, InferRequest, Wanted
from sonotype.api.oip.tensors import Tensor, from_raw, from_values, invalid, to_raw

# as Python's objects they grow to many times their size
_MOST_NUMBERS = 4 * 2**20
_FIELDS = {"BYTES": "bytes_contents", "FP32": "fp32_contents", "FP64": "fp64_contents"}


def request_of(message: pb.ModelInferRequest) -> InferRequest:
    """A request. Raises `invalid_request`."""
    if len(message.inputs) != 1:
        raise invalid("A request has exactly one input: `audio` (BYTES) or `samples` (FP32).")
    given = message.inputs[0]
    return InferRequest(
        model=message.model_name,
        version=message.model_version,
        id=message.id,
        inputs=(_tensor(given, message.raw_input_contents),),
        parameters=_parameters(message.parameters) | _parameters(given.parameters),
        wanted=tuple(Wanted(output.name, classes=_classes(output.parameters)) for output in message.outputs),
        binary_output=bool(message.raw_input_contents),
    )


def response_of(request: InferRequest, answer: InferAnswer) -> pb.ModelInferResponse:
    """An answer, its data in the form in which the request had its own."""
    response = pb.ModelInferResponse(model_name=answer.model, model_version=answer.version, id=request.id)
    for tensor in answer.outputs:
        output = response.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        if request.binary_output:
            response.raw_output_contents.append(to_raw(tensor))
        else:
            getattr(output.contents, _FIELDS[tensor.datatype]).extend(tensor.data)
    return response


def metadata_of(found: Description) -> pb.ModelMetadataResponse:
    """The metadata of a model."""
    return pb.ModelMetadataResponse(
        name=found.name,
        versions=found.versions,
        platform=found.platform,
        inputs=[_info(tensor) for tensor in found.inputs],
        outputs=[_info(tensor) for tensor in found.outputs],
    )


def _info(tensor: TensorInfo) -> pb.ModelMetadataResponse.TensorMetadata:
    return pb.ModelMetadataResponse.TensorMetadata(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)


def _tensor(given: pb.ModelInferRequest.InferInputTensor, raw: Any) -> Tensor:
    if raw:
        if len(raw) != 1 or given.HasField("contents"):
            raise invalid("raw_input_contents holds the bytes of every input, which then has no contents.")
        return from_raw(given.name, given.datatype, given.shape, raw[0])
    field = _FIELDS.get(given.datatype, "")
    if any(kind.name != field for kind, _ in given.contents.ListFields()):
        raise invalid(f"The contents of {given.name[:64]!r} stand in another field than its datatype's.")
    values = getattr(given.contents, field, [])
    if len(values) > _MOST_NUMBERS:
        raise invalid(f"An input has at most {_MOST_NUMBERS} numbers as contents; send more as raw_input_contents.")
    return from_values(given.name, given.datatype, given.shape, values)


def _parameters(values: Mapping[str, pb.InferParameter]) -> dict[str, Any]:
    chosen = {name: value.WhichOneof("parameter_choice") for name, value in values.items()}
    return {name: getattr(values[name], kind) if kind else None for name, kind in chosen.items()}


def _classes(values: Mapping[str, pb.InferParameter]) -> int:
    """The extension `classification`; Triton's clients also say where bytes are to stand, which has one way here."""
    found = {name: value for name, value in _parameters(values).items() if name != "binary_data"}
    count = found.pop("classification", 0)
    if found or isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_CLASSES:
        raise invalid("An output has no parameters but classification, a number of classes.")
    return count
