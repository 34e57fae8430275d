"""From a module to the bytes of an ONNX file, held against the module before anybody gets them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.runtime.onnx_session import open_session

TOLERANCE = 1e-4
"""Largest difference from torch that is let through, of the largest number of an output or of 1."""

_OPSET = 18


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was checked.

    Attributes:
        data: its bytes.
        differences: largest difference of each output from torch, as a share of its largest number where that is
            more than 1.
    """

    data: bytes
    differences: Mapping[str, float]

    @property
    def largest(self) -> float:
        """Of all outputs."""
        return max(self.differences.values())


def to_onnx(
    module: nn.Module,
    examples: Sequence[Tensor],
    reference: nn.Module,
    *,
    input_name: str,
    outputs: Sequence[str],
    axes: Mapping[int, str],
    metadata: Mapping[str, str],
) -> Exported:
    """Export, check, describe.

    Args:
        module: one input, a tuple of outputs.
        examples: inputs to check with; the first one is traced. Their shapes differ along `axes` only.
        reference: what to check against, called like `module`.
        input_name: name of the input.
        outputs: names of the outputs.
        axes: axes of the input that may change, by name.
        metadata: properties of the file.

    Raises:
        SonotypeError: `invalid_request` where ONNX is not installed; `internal` where the file computes something
            else than torch does.
    """
    model = _exported(module.eval(), examples[0], input_name, outputs, axes)
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    model.producer_name, model.doc_string = "sonotype", metadata.get("sonotype.description", "")
    data: bytes = model.SerializeToString()
    differences = _differences(data, examples, reference, outputs)
    name, worst = max(differences.items(), key=lambda item: item[1])
    if not worst <= TOLERANCE:
        detail = f"The exported file differs from torch by {worst:.1e} in {name!r}; it is not written."
        raise SonotypeError(Code.INTERNAL, detail)
    return Exported(data, differences)


def _exported(module: nn.Module, example: Tensor, input_name: str, outputs: Sequence[str], axes: Any) -> Any:
    require_onnx()
    dims = dict.fromkeys(axes, torch.export.Dim.DYNAMIC)
    log = logging.getLogger("torch.onnx")
    level = log.level
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter about itself
        log.setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(
                module,
                (example,),
                input_names=[input_name],
                output_names=list(outputs),
                dynamic_shapes=(dims,),
                opset_version=_OPSET,
                dynamo=True,
                verbose=False,
            )
        finally:
            log.setLevel(level)
    assert program is not None  # noqa: S101 - without a file name it is returned
    return _named(program.model_proto, axes)


def _named(model: Any, axes: Mapping[int, str]) -> Any:
    """Give the axes of input and outputs names that tell what they are; the batch is the first of each."""
    shape = model.graph.input[0].type.tensor_type.shape
    old = {shape.dim[axis].dim_param: name for axis, name in axes.items()}
    values = (*model.graph.input, *model.graph.output, *model.graph.value_info)
    for dim in (dim for value in values for dim in value.type.tensor_type.shape.dim):
        if dim.dim_param in old:
            dim.dim_param = old[dim.dim_param]
    return model


def _differences(
    data: bytes, examples: Sequence[Tensor], reference: nn.Module, outputs: Sequence[str]
) -> dict[str, float]:
    session = open_session(data, torch.get_num_threads())
    name = session.get_inputs()[0].name
    worst = dict.fromkeys(outputs, 0.0)
    for example in examples:
        found = session.run(list(outputs), {name: example.numpy()})
        with torch.inference_mode():
            wanted = [tensor.numpy() for tensor in reference(example)]
        for output, ours, theirs in zip(outputs, found, wanted, strict=True):
            worst[output] = max(worst[output], _difference(ours, theirs))
    return worst


def _difference(ours: Floats, theirs: Floats) -> float:
    if ours.shape != theirs.shape or not np.isfinite(ours).all():
        return float("inf")
    return float(np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max()))


def require_onnx() -> Any:
    """The module `onnx`, with what exporting needs beside it; `invalid_request` where something is not installed."""
    try:
        import onnx  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415 - an extra
        import onnxruntime  # type: ignore[import-untyped, unused-ignore]  # noqa: F401, PLC0415
        import onnxscript  # type: ignore[import-not-found, unused-ignore]  # noqa: F401, PLC0415
    except ImportError as error:
        detail = f"The package {error.name} is not installed: pip install 'sonotype[onnx]' brings it."
        raise SonotypeError(Code.INVALID_REQUEST, detail) from error
    return onnx
