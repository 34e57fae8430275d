"""What an inference request asks: the audio of each item, and the options, which are those of `/v1/analyze`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from sonotype.api.oip.tensors import MAX_ITEMS, Tensor, invalid
from sonotype.api.oip.wav import wav_bytes
from sonotype.api.options import parse_options
from sonotype.api.params import ModelParams
from sonotype.core.types import Upload
from sonotype.plane.query import AnalyzeQuery

MAX_CLASSES = 100_000


class InferParams(ModelParams):
    """Parameters of a request or of its input."""

    content_type: str = Field("", max_length=128, description="`base64` where a JSON string holds the file in base64")
    sample_rate: int | None = Field(None, ge=1000, le=384_000, description="of `samples`, in Hz")
    timeout: Annotated[int, Field(gt=0)] | None = Field(None, description="as Triton's clients send it: microseconds")
    priority: int = Field(0, description="of Triton's clients; without effect")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An output that is asked for; `binary` and `classes` are the extensions of the same names."""

    name: str
    binary: bool | None = None
    classes: int = 0


@dataclass(frozen=True, slots=True)
class InferRequest:
    """One request, of either face.

    Attributes:
        model: its name.
        version: empty for the current one.
        id: handed back.
        inputs: its tensors.
        parameters: of the request and its input, the latter's counting more.
        wanted: outputs; none means all.
        binary_output: outputs are bytes behind the JSON unless one says otherwise; REST only.
    """

    model: str
    version: str
    id: str
    inputs: tuple[Tensor, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    wanted: tuple[Wanted, ...] = ()
    binary_output: bool = False

    @property
    def address(self) -> str:
        """`name` or `name@version`."""
        return f"{self.model}@{self.version}" if self.version else self.model

    def params(self) -> InferParams:
        """The parameters, validated. Raises `invalid_request`."""
        if "model" in self.parameters:
            raise invalid("A request is for the model in its path.")
        return parse_options(InferParams, dict(self.parameters))

    def uploads(self, params: InferParams) -> list[Upload]:
        """The audio of each item, as files. Raises `invalid_request`."""
        if len(self.inputs) != 1 or self.inputs[0].name not in ("audio", "samples"):
            raise invalid("A request has exactly one input: `audio` (BYTES) or `samples` (FP32).")
        tensor = self.inputs[0]
        files = _files(tensor, params) if tensor.name == "audio" else _recorded(tensor, params)
        if not 1 <= len(files) <= MAX_ITEMS:
            raise invalid(f"A request has 1 to {MAX_ITEMS} items.")
        return [Upload.of(file) for file in files]


def query_of(request: InferRequest, params: InferParams, embeddings: tuple[str, ...]) -> AnalyzeQuery:
    """The question to the plane, one per item."""
    own = params.common() | {"models": (request.address,)}
    wishes = (own["timeout_s"], params.timeout / 1e6 if params.timeout else None)
    own["timeout_s"] = min((wish for wish in wishes if wish is not None), default=None)
    return AnalyzeQuery(**own, top_k=0, reasons_top_k=0, embeddings=embeddings)


def _files(tensor: Tensor, params: InferParams) -> list[bytes]:
    if not isinstance(tensor.data, list) or len([size for size in tensor.shape if size != 1]) > 1:
        raise invalid("`audio` holds one file per item: BYTES of shape [items] or [items, 1].")
    if params.content_type != "base64":
        return tensor.data
    try:
        return [base64.b64decode(element, validate=True) for element in tensor.data]
    except binascii.Error:
        raise invalid("`audio` is not base64, as its content_type says.") from None


def _recorded(tensor: Tensor, params: InferParams) -> list[bytes]:
    if isinstance(tensor.data, list) or not 1 <= len(tensor.shape) <= 2:
        raise invalid("`samples` holds mono audio: FP32 of shape [samples] or [items, samples].")
    if params.sample_rate is None:
        raise invalid("`samples` needs the parameter sample_rate.")
    if tensor.shape[0] > MAX_ITEMS and len(tensor.shape) == 2:
        raise invalid(f"A request has 1 to {MAX_ITEMS} items.")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which the decoder refuses
        samples = tensor.data.astype(np.float32)
    rows = samples.reshape(tensor.shape if len(tensor.shape) == 2 else (1, -1))
    return [wav_bytes(row, params.sample_rate) for row in rows]
