"""Structured logs: one line per event, for people on a terminal or as JSON, never with what identifies a listener.

File names, paths, URLs with their query, keys and passwords do not belong into logs. The code does not log them;
`_discreet` is the net below it, for our own lines and for those of the libraries that log through us.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from sonotype.core.settings import Settings

Format = Literal["auto", "console", "json"]

_SECRET = frozenset({"api_key", "authorization", "cookie", "file", "filename", "password", "path", "query", "token"})
# scheme, login, host and port, the rest; a login is taken up to the last @, in case it holds a stray slash
_URL = re.compile(r"\b([a-z][a-z0-9+.-]*://)(?:[^\s\"'<>]*@)?([^\s\"'<>/?#]*)([^\s\"'<>]*)", re.IGNORECASE)
# Their info lines hold URLs and peers; the faces write one line per request themselves.
_TALKATIVE = ("uvicorn.access", "httpx", "httpcore", "asyncio", "grpc")


def configure_logs(settings: Settings) -> None:
    """Set logs up as the settings say; once, before anything is served."""
    configure(settings.log_format, settings.log_level)


def configure(format_: Format = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Send everything, the standard library's loggers included, to `stream` in one format.

    Args:
        format_: `console`, `json`, or `auto` for console on a terminal.
        level: lowest level that is written.
        stream: where to; standard error by default, so that a command's output stays clean.
    """
    stream = stream or sys.stderr
    console = format_ == "console" or (format_ == "auto" and stream.isatty())
    shared = _shared()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(shared, _console(stream) if console else _json()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _quieten()


def _quieten() -> None:
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _discreet,
    ]


def _formatter(shared: list[Processor], rendering: list[Processor]) -> logging.Formatter:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[strip, *rendering])


def _console(stream: TextIO) -> list[Processor]:
    # the plain traceback: the pretty one prints local variables, and those are audio and keys
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]


def _json() -> list[Processor]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_dumps)]


def _dumps(event: EventDict, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def _discreet(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Hide fields that name a file or a secret; of a URL show scheme, host and port."""
    for name, value in event.items():
        if name.lower() in _SECRET:
            event[name] = "[hidden]"
        elif isinstance(value, str):
            event[name] = _URL.sub(_origin, value)
    return event


def _origin(url: re.Match[str]) -> str:
    scheme, host, rest = url.groups()
    return f"{scheme}{host}" + ("" if rest in ("", "/") else "/[hidden]")
