"""Timing headers: where the time of a request went, in the standard `Server-Timing` form."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"[a-z0-9_]+")


def server_timing(seconds: Mapping[str, float]) -> dict[str, str]:
    """The `Server-Timing` header with one entry per phase, in milliseconds."""
    entries = [f"{name};dur={1000 * value:.3f}" for name, value in seconds.items() if _TOKEN.fullmatch(name)]
    return {"server-timing": ", ".join(entries)} if entries else {}
