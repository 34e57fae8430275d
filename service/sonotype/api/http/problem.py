"""Errors as RFC 9457 problems with a stable `code`; the table in `core.errors` decides the status."""

from __future__ import annotations

import logging
import math
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from sonotype.api.params import say_errors
from sonotype.api.refusals import count_refusal
from sonotype.core.errors import Code, SonotypeError

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger(__name__)


def install(app: FastAPI) -> None:
    """Let every error of the app, the framework's own included, be answered as a problem."""
    app.add_exception_handler(SonotypeError, _sonotype)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _framework)


def problem(error: SonotypeError, request_id: str, headers: dict[str, str] | None = None) -> Response:
    """Render an error; `Retry-After` in whole seconds, at least 1, where a retry makes sense."""
    headers = {"cache-control": "no-store", **(headers or {})}
    if error.meaning.retryable:
        headers["retry-after"] = str(retry_after(error))
    if error.code is Code.UNAUTHENTICATED:
        headers["www-authenticate"] = 'Bearer realm="sonotype"'
    return Response(orjson.dumps(problem_body(error, request_id)), error.meaning.http, headers, MEDIA_TYPE)


def problem_body(error: SonotypeError, request_id: str) -> dict[str, Any]:
    """The members of a problem."""
    return {
        "type": f"urn:sonotype:problem:{error.code}",
        "title": error.meaning.title,
        "status": error.meaning.http,
        "detail": error.detail,
        "code": error.code.value,
        "request_id": request_id,
        "retryable": error.meaning.retryable,
    }


def retry_after(error: SonotypeError) -> int:
    """Whole seconds to wait before a retry, at least 1."""
    return max(1, math.ceil(error.retry_after_s or 0))


def unexpected(request_id: str) -> Response:
    """The problem for a defect of ours: the client learns nothing but the request id."""
    return problem(SonotypeError(Code.INTERNAL, "An unexpected error; please report the request id."), request_id)


async def _sonotype(request: Request, error: Exception) -> Response:
    assert isinstance(error, SonotypeError)  # noqa: S101 - registered for this class
    if error.meaning.log_level >= logging.WARNING:
        log.log(error.meaning.log_level, "request failed", code=error.code.value, detail=error.detail)
    count_refusal(error.code)
    return problem(error, _request_id(request))


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    return problem(SonotypeError(Code.INVALID_REQUEST, say_errors(error.errors(), placed=True)), _request_id(request))


async def _framework(request: Request, error: Exception) -> Response:
    """404 and 405 of the router, and whatever else Starlette raises."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    code = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED}.get(error.status_code, Code.INVALID_REQUEST)
    return problem(SonotypeError(code, f"{error.detail}."), _request_id(request), dict(error.headers or {}))


def _request_id(request: Request) -> str:
    return str(request.scope.get("sonotype.request_id", ""))
