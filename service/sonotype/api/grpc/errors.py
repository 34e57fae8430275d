"""Errors as gRPC statuses; the table in `core.errors` decides the status, the trailing metadata carry the code."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import structlog

from sonotype.api.grpc.call import Call
from sonotype.api.refusals import count_refusal
from sonotype.core.errors import Code, SonotypeError
from sonotype.telemetry.requests import request_scope

log = structlog.get_logger("sonotype.grpc")


@asynccontextmanager
async def edge(call: Call) -> AsyncIterator[None]:
    """Around the body of every method: an error becomes a status, and the call is counted and logged once."""
    with request_scope(call.request_id), call.accounted():
        try:
            yield
        except SonotypeError as error:
            await _abort(call, error)
        except grpc.aio.AbortError:
            raise
        except Exception:
            log.exception("unexpected error")
            detail = "An unexpected error; please report the request id."
            await _abort(call, SonotypeError(Code.INTERNAL, detail))


async def _abort(call: Call, error: SonotypeError) -> None:
    count_refusal(error.code)
    if error.meaning.log_level >= logging.WARNING and error.code is not Code.INTERNAL:
        log.log(error.meaning.log_level, "call failed", code=error.code.value, detail=error.detail)
    call.code = error.meaning.grpc
    trailers = [("sonotype-code", error.code.value), ("x-request-id", call.request_id)]
    if error.meaning.retryable:
        trailers.append(("retry-after-s", str(max(1, math.ceil(error.retry_after_s or 0)))))
    await call.context.abort(getattr(grpc.StatusCode, error.meaning.grpc), error.detail, tuple(trailers))
