"""The id of a request: taken from the client when it is harmless, in every log line, back in the answer."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator

import structlog

_HARMLESS = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(offered: str | None) -> str:
    """The client's own id if it is short and plain, a new one otherwise."""
    if offered is not None and _HARMLESS.fullmatch(offered):
        return offered
    return uuid.uuid4().hex


@contextlib.contextmanager
def request_scope(offered: str | None, **fields: str) -> Iterator[str]:
    """Bind the request's id, and other bounded fields such as the route, to every log line written inside.

    Yields:
        The id. Tasks that are started inside inherit the binding.
    """
    chosen = request_id(offered)
    with structlog.contextvars.bound_contextvars(request_id=chosen, **fields):
        yield chosen
