"""Inference: every item of a request is one analysis of the plane, all of them at once, in the order asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sonotype.api.oip.describe import outputs_of
from sonotype.api.oip.request import InferParams, InferRequest, Wanted, query_of
from sonotype.api.oip.tensors import Tensor, invalid
from sonotype.api.view import ResultView, view, view_model
from sonotype.core.errors import SonotypeError
from sonotype.core.types import Floats, Upload
from sonotype.plane.port import Plane
from sonotype.plane.query import AnalyzeQuery


@dataclass(frozen=True, slots=True)
class InferAnswer:
    """The answer: `outputs` in the order asked."""

    model: str
    version: str
    outputs: tuple[Tensor, ...]


async def infer(
    plane: Plane, request: InferRequest, client: str | None = None, timeout_s: float | None = None
) -> InferAnswer:
    """Answer a request; the first item that fails fails the request, and the others are abandoned.

    Args:
        plane: what computes.
        request: the request.
        client: the authenticated caller.
        timeout_s: a deadline besides the request's own.

    Raises:
        SonotypeError: any code of the table; with several items the detail begins with the item's number.
    """
    params = request.params()
    plane.model(request.address)
    uploads = await _uploads(request, params)
    # from here to the items nothing waits: what is offered now is what they are answered by
    wanted = _wanted(plane, request)
    embeddings = tuple(output.name for output in wanted if output.name not in ("scores", "labels"))
    query = replace(query_of(request, params, embeddings), client=client)
    query = replace(query, timeout_s=min((t for t in (query.timeout_s, timeout_s) if t is not None), default=None))
    results = await _results(plane, uploads, query)
    name, _, version = results[0].result.model.partition("@")
    return InferAnswer(name, version, tuple(_output(output, results) for output in wanted))


def _wanted(plane: Plane, request: InferRequest) -> tuple[Wanted, ...]:
    """The outputs asked for, or all. Raises `invalid_request`."""
    offered = [output.name for output in outputs_of(view_model(plane, plane.model(request.address)))]
    wanted = request.wanted or tuple(map(Wanted, offered))
    names = [output.name for output in wanted]
    if unknown := sorted(set(names) - set(offered)):
        raise invalid(f"The model has no output {unknown[0][:64]!r}.")
    if len(set(names)) < len(names):
        raise invalid("An output is asked for twice.")
    if any(output.classes and output.name != "scores" for output in wanted):
        raise invalid("Only `scores` can be asked for as a classification.")
    return wanted


async def _uploads(request: InferRequest, params: InferParams) -> list[Upload]:
    return await asyncio.to_thread(request.uploads, params)  # megabytes are copied and hashed


async def _results(plane: Plane, uploads: Sequence[Upload], query: AnalyzeQuery) -> list[ResultView]:
    tasks = [asyncio.create_task(_item(plane, upload, query)) for upload in uploads]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for number, task in enumerate(tasks):
            if task.done() and (error := task.exception()) is not None:
                raise _numbered(error, number) if len(tasks) > 1 else error
        return [task.result() for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _numbered(error: BaseException, number: int) -> BaseException:
    if not isinstance(error, SonotypeError):
        return error
    return SonotypeError(error.code, f"Item {number}: {error.detail}", retry_after_s=error.retry_after_s)


async def _item(plane: Plane, upload: Upload, query: AnalyzeQuery) -> ResultView:
    return view(plane, await plane.analyze(upload, query), query)[0]


def _output(wanted: Wanted, results: Sequence[ResultView]) -> Tensor:
    labels = results[0].result.labels
    if wanted.name == "labels":
        return Tensor("labels", "BYTES", (len(labels),), [label.encode() for label in labels])
    if wanted.name == "scores":
        rows = np.stack([shown.result.tags for shown in results])
        return _classes(rows, labels, wanted.classes) if wanted.classes else _floats("scores", rows)
    found = ({embedding.name: embedding.values for embedding in shown.embeddings} for shown in results)
    return _floats(wanted.name, np.stack([values[wanted.name] for values in found]))


def _floats(name: str, rows: Floats) -> Tensor:
    return Tensor(name, "FP32", rows.shape, np.asarray(rows, dtype=np.float32).reshape(-1))


def _classes(rows: Floats, labels: Sequence[str], count: int) -> Tensor:
    """The extension `classification`: the best scores as `score:index:label`."""
    best = [np.argsort(-row, kind="stable")[:count] for row in rows]
    elements = [
        f"{row[place]:.6f}:{place}:{labels[place]}".encode() for row, b in zip(rows, best, strict=True) for place in b
    ]
    return Tensor("scores", "BYTES", (len(rows), min(count, len(labels))), elements)
