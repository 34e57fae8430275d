"""What the client library raises, in our words."""

from __future__ import annotations

import structlog

from sonotype.core.errors import Code, SonotypeError

log = structlog.get_logger(__name__)
RETRY_S = 2.0
_FULL = ("no space left", "quota", "disk limit")
_REFUSED = ("unauthenticated", "auth check failure", "permission_denied", "privilege")


def meaning_of(error: Exception, embedded: bool) -> SonotypeError:
    """The domain error for an exception of pymilvus or gRPC; what the engine said goes to the log only."""
    text = str(error).lower()
    if any(word in text for word in _FULL):
        return SonotypeError(Code.INSUFFICIENT_STORAGE, "The engine of the catalogue has no room left.")
    log.warning("the engine of the catalogue failed", error=str(error)[:500], kind=type(error).__name__)
    if any(word in text for word in _REFUSED):
        return SonotypeError(Code.UNAVAILABLE, "The engine of the catalogue refuses the credentials.")
    if embedded and "open local milvus" in text:
        return SonotypeError(Code.CONFLICT, "The catalogue's file is held by another process, or is damaged.")
    return unavailable()


def unavailable() -> SonotypeError:
    """The engine does not answer, or not as it should."""
    return SonotypeError(Code.UNAVAILABLE, "The engine of the catalogue does not answer.", retry_after_s=RETRY_S)
