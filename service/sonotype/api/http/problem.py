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
OIP_ROOT = "/v2"
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


def unexpected(request_id: str, path: str) -> Response:
    """The answer to a defect of ours: the client learns nothing but the request id."""
    error = SonotypeError(Code.INTERNAL, "An unexpected error; please report the request id.")
    return error_response(error, request_id, path)


def error_response(error: SonotypeError, request_id: str, path: str, headers: dict[str, str] | None = None) -> Response:
    """An error in the form of its face: a problem, or below `/v2` what the Open Inference Protocol knows."""
    answer = problem(error, request_id, headers)
    if path == OIP_ROOT or path.startswith(f"{OIP_ROOT}/"):
        told = {name: value for name, value in answer.headers.items() if name not in ("content-type", "content-length")}
        told["sonotype-code"] = error.code.value
        return Response(orjson.dumps({"error": error.detail}), answer.status_code, told, "application/json")
    return answer


async def _sonotype(request: Request, error: Exception) -> Response:
    assert isinstance(error, SonotypeError)  # noqa: S101 - registered for this class
    if error.meaning.log_level >= logging.WARNING:
        log.log(error.meaning.log_level, "request failed", code=error.code.value, detail=error.detail)
    count_refusal(error.code)
    return error_response(error, _request_id(request), request.url.path)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    told = SonotypeError(Code.INVALID_REQUEST, say_errors(error.errors(), placed=True))
    return error_response(told, _request_id(request), request.url.path)


async def _framework(request: Request, error: Exception) -> Response:
    """404 and 405 of the router, and whatever else Starlette raises."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    code = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED}.get(error.status_code, Code.INVALID_REQUEST)
    told = SonotypeError(code, f"{error.detail}.")
    return error_response(told, _request_id(request), request.url.path, dict(error.headers or {}))


def _request_id(request: Request) -> str:
    return str(request.scope.get("sonotype.request_id", ""))
