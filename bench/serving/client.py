"""A thin client: the standard library's HTTP on one kept connection, so that little of what is measured is ours."""

from __future__ import annotations

import http.client
import json
import re
import time
from dataclasses import dataclass, field

_PHASE = re.compile(r"(\w+);dur=([\d.]+)")


@dataclass(frozen=True)
class Reply:
    """One answered request: wall seconds at the client, whether the cache answered, and seconds per phase."""

    wall_s: float
    cached: bool
    phases_s: dict[str, float] = field(repr=False)


class Client:
    """One connection to a server on this machine."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        return response.status, response.read().decode()

    def analyze(self, audio: bytes, path: str) -> Reply:
        """Post a file and read the whole answer.

        Raises:
            RuntimeError: the answer is not 200.
        """
        begin = time.perf_counter()
        self._connection.request("POST", path, audio, {"content-type": "audio/mpeg"})
        response = self._connection.getresponse()
        body = response.read()
        wall_s = time.perf_counter() - begin
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {body[:300]!r}")
        results = json.loads(body).get("results") or [{}]
        phases = _PHASE.findall(response.headers.get("server-timing", ""))
        cached = all(result.get("cached", False) for result in results)
        return Reply(wall_s, cached, {name: float(ms) / 1e3 for name, ms in phases})

    def post_json(self, path: str, body: str) -> float:
        """Post JSON; wall seconds until the answer is read. Raises RuntimeError when it is not 200."""
        begin = time.perf_counter()
        self._connection.request("POST", path, body, {"content-type": "application/json"})
        response = self._connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {text[:300]!r}")
        return time.perf_counter() - begin

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
