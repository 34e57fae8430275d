"""Modules compiled by ONNX Runtime, for CPUs. The extra `onnx` brings it; nothing else needs it to run."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sonotype.core.errors import Code, SonotypeError


def onnxruntime() -> Any:
    """The module. Raises `invalid_request` with the command that installs it where it is not there."""
    try:
        import onnx  # type: ignore[import-not-found, unused-ignore]  # noqa: F401, PLC0415 - an extra
        import onnxruntime as found  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415
    except ImportError as error:
        detail = "ONNX Runtime is not installed: pip install 'sonotype[onnx]' brings it."
        raise SonotypeError(Code.INVALID_REQUEST, detail) from error
    return found


def open_session(data: bytes, threads: int) -> Any:
    """A session on the CPU for one call at a time."""
    runtime = onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    # threads that wait for the next call would take a core from the other workers
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


class OnnxModule:
    """A module that ONNX Runtime computes.

    Args:
        module: takes and returns tensors.
        inputs: an example of its inputs; their shapes are kept but for the axes of `dynamic`.
        threads: CPU threads of one call.
        dynamic: position of an input to its axes that may change, by name.

    Raises:
        SonotypeError: `invalid_request` where ONNX Runtime is not installed.
    """

    def __init__(
        self,
        module: nn.Module,
        inputs: Sequence[Tensor],
        threads: int,
        dynamic: Mapping[int, Mapping[int, str]] | None = None,
    ) -> None:
        onnxruntime()  # before the work
        names = [f"input{position}" for position in range(len(inputs))]
        data = _traced(module, tuple(inputs), names, {names[i]: dict(axes) for i, axes in (dynamic or {}).items()})
        self._session = open_session(data, threads)
        self._names = {entry.name for entry in self._session.get_inputs()}

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        """Compute; the results do not share memory with anything."""
        feed = {f"input{i}": tensor.contiguous().numpy() for i, tensor in enumerate(inputs)}
        found = self._session.run(None, {name: array for name, array in feed.items() if name in self._names})
        return [torch.from_numpy(np.asarray(array)) for array in found]


def _traced(module: nn.Module, inputs: tuple[Tensor, ...], names: list[str], dynamic: Any) -> bytes:
    """The module as ONNX. Tracing takes a second where the exporter that files are made with takes ten."""
    target = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # the tracer notes that it is to be replaced one day
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            inputs,
            target,  # type: ignore[arg-type]  # the tracer writes to buffers too; its annotation says nothing of them
            input_names=names,
            dynamic_axes=dynamic,
            opset_version=18,
            dynamo=False,
        )
    return target.getvalue()
