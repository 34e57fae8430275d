"""Errors carry a stable domain code; one table says what each code means on every face.

A face never decides a status by itself: it looks the code up in `TABLE` (RFC 9457 problems for HTTP, status codes
for gRPC, exit codes for the command line).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Stable names of everything that can go wrong; part of the public API."""

    INVALID_REQUEST = "invalid_request"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    MODEL_NOT_FOUND = "model_not_found"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable"
    UPLOAD_TIMEOUT = "upload_timeout"
    UPLOAD_TOO_LARGE = "upload_too_large"
    AUDIO_TOO_LONG = "audio_too_long"
    AUDIO_TOO_SHORT = "audio_too_short"
    UNSUPPORTED_FORMAT = "unsupported_format"
    UNDECODABLE = "undecodable"
    NON_FINITE = "non_finite"
    QUARANTINED = "quarantined"
    ITEM_FAILED = "item_failed"
    RATE_LIMITED = "rate_limited"
    CANCELLED = "cancelled"
    OVERLOADED = "overloaded"
    DRAINING = "draining"
    UNAVAILABLE = "unavailable"
    INSUFFICIENT_STORAGE = "insufficient_storage"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    WEIGHTS_MISSING = "weights_missing"
    WEIGHTS_CORRUPT = "weights_corrupt"
    SOURCE_UNREACHABLE = "source_unreachable"
    LICENCE_NOT_ACCEPTED = "licence_not_accepted"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means to each face."""

    http: int
    grpc: str
    exit: int
    retryable: bool
    log_level: int
    title: str


def _m(http: int, grpc: str, exit_: int, title: str, *, retryable: bool = False) -> Meaning:
    level = logging.ERROR if http == 500 else logging.WARNING if http > 500 else logging.INFO
    return Meaning(http, grpc, exit_, retryable, level, title)


TABLE: dict[Code, Meaning] = {
    Code.INVALID_REQUEST: _m(400, "INVALID_ARGUMENT", 2, "The request is malformed"),
    Code.UNAUTHENTICATED: _m(401, "UNAUTHENTICATED", 3, "A valid API key is needed"),
    Code.FORBIDDEN: _m(403, "PERMISSION_DENIED", 3, "This deployment does not allow that"),
    Code.MODEL_NOT_FOUND: _m(404, "NOT_FOUND", 2, "No such model is served"),
    Code.NOT_FOUND: _m(404, "NOT_FOUND", 2, "No such resource"),
    Code.METHOD_NOT_ALLOWED: _m(405, "UNIMPLEMENTED", 2, "This resource does not take that method"),
    Code.CONFLICT: _m(409, "FAILED_PRECONDITION", 2, "The state of the resource does not allow that"),
    Code.IDEMPOTENCY_MISMATCH: _m(422, "INVALID_ARGUMENT", 2, "The idempotency key was used for another request"),
    Code.RANGE_NOT_SATISFIABLE: _m(416, "OUT_OF_RANGE", 2, "The range lies outside the resource"),
    Code.UPLOAD_TIMEOUT: _m(408, "DEADLINE_EXCEEDED", 4, "The upload stalled", retryable=True),
    Code.UPLOAD_TOO_LARGE: _m(413, "INVALID_ARGUMENT", 4, "The upload is too large"),
    Code.AUDIO_TOO_LONG: _m(413, "INVALID_ARGUMENT", 4, "The audio is too long"),
    Code.AUDIO_TOO_SHORT: _m(422, "INVALID_ARGUMENT", 4, "The audio is too short"),
    Code.UNSUPPORTED_FORMAT: _m(415, "INVALID_ARGUMENT", 4, "The container or codec is not supported"),
    Code.UNDECODABLE: _m(422, "INVALID_ARGUMENT", 4, "The audio cannot be decoded"),
    Code.NON_FINITE: _m(422, "INVALID_ARGUMENT", 4, "The audio holds samples that are not finite"),
    Code.QUARANTINED: _m(422, "INVALID_ARGUMENT", 4, "This audio is quarantined: it crashed a worker before"),
    Code.ITEM_FAILED: _m(422, "INTERNAL", 4, "The model failed on this audio"),
    Code.RATE_LIMITED: _m(429, "RESOURCE_EXHAUSTED", 5, "The quota of this API key is used up", retryable=True),
    Code.CANCELLED: _m(499, "CANCELLED", 5, "The caller left"),
    Code.OVERLOADED: _m(503, "UNAVAILABLE", 5, "The service is at capacity", retryable=True),
    Code.DRAINING: _m(503, "UNAVAILABLE", 5, "The service is shutting down", retryable=True),
    Code.UNAVAILABLE: _m(503, "UNAVAILABLE", 5, "No worker is available", retryable=True),
    Code.INSUFFICIENT_STORAGE: _m(507, "RESOURCE_EXHAUSTED", 5, "The disk is too full to store anything"),
    Code.DEADLINE_EXCEEDED: _m(504, "DEADLINE_EXCEEDED", 5, "The deadline passed", retryable=True),
    Code.WEIGHTS_MISSING: _m(503, "UNAVAILABLE", 6, "The weights of this model are not pulled"),
    Code.WEIGHTS_CORRUPT: _m(500, "DATA_LOSS", 6, "The weights of this model are corrupt"),
    Code.SOURCE_UNREACHABLE: _m(502, "UNAVAILABLE", 6, "The source of the weights cannot be reached", retryable=True),
    Code.LICENCE_NOT_ACCEPTED: _m(403, "PERMISSION_DENIED", 6, "The licence of these weights has not been accepted"),
    Code.INTERNAL: _m(500, "INTERNAL", 1, "Something went wrong on our side"),
}


class SonotypeError(Exception):
    """An error with a domain code and a message that is safe to show to a client.

    Args:
        code: the stable domain code.
        detail: one sentence for the user; never a path, a key or a decoder's own text.
        retry_after_s: seconds after which a retry makes sense, for retryable codes.
    """

    def __init__(self, code: Code, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s

    @property
    def meaning(self) -> Meaning:
        """The row of the table for this error's code."""
        return TABLE[self.code]

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.code, self.detail, self.retry_after_s))


def _rebuild(code: Code, detail: str, retry_after_s: float | None) -> SonotypeError:
    return SonotypeError(code, detail, retry_after_s=retry_after_s)


def draining(retry_after_s: float = 2.0) -> SonotypeError:
    """What everybody is told who asks for something while the service stops."""
    return SonotypeError(Code.DRAINING, "The service is shutting down.", retry_after_s=retry_after_s)
