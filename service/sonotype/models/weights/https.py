"""Fetch one file over HTTPS: resumable, from several addresses, believed only when its hash is right.

A try that follows a broken one asks for the rest, `If-Range` the file is still the one we have the beginning of; a
server whose file has changed then answers with the whole file, and we start over. See `partial`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.weights.base import Progress, corrupt, no_progress, sha256_of, unreachable
from sonotype.models.weights.partial import Partial

MAX_BYTES = 16 * 2**30
_TRANSIENT = frozenset({408, 416, 425, 429, 500, 502, 503, 504})
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_LONGEST_DRIP_S = 60.0
_LEAST_BYTES_PER_S = 1024
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]+/([0-9]+|\*)")


class _TryAgain(Exception):  # noqa: N818 (a signal between two functions of this module, not an error of anybody)
    """The try failed in a way that another try may mend."""


def fetch(
    urls: Sequence[str],
    sha256: str,
    target: Path,
    *,
    progress: Progress = no_progress,
    tries: int = 4,
    backoff_s: float = 0.5,
    max_bytes: int = MAX_BYTES,
) -> None:
    """Fetch a file of known hash to `target`.

    Args:
        urls: addresses of the same file, tried in order.
        sha256: its hash (hex).
        target: where it goes; its folder must exist.
        progress: called while bytes arrive.
        tries: tries per address.
        backoff_s: wait before the second try; doubled before each further one.
        max_bytes: a server that sends more is cut off.

    Raises:
        SonotypeError: `source_unreachable` where no address gave a file, `weights_corrupt` where one gave another file.
        OSError: the disk is full or the folder cannot be written.
    """
    failure = unreachable("The model names no address for its weights.")
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=True, headers={"Accept-Encoding": "identity"}) as client:
        for url in urls:
            try:
                return _Fetch(client, url, sha256, Partial(target, url), progress, max_bytes).run(tries, backoff_s)
            except SonotypeError as error:
                # a wrong file is graver news than a silent mirror
                failure = failure if failure.code is Code.WEIGHTS_CORRUPT else error
    raise failure


class _Pace:
    """Watches that bytes come in numbers worth waiting for: a server that drips would hold us and our lock for ever."""

    def __init__(self) -> None:
        self._since, self._bytes = time.monotonic(), 0

    def hold(self, n_bytes: int) -> None:
        """Count bytes that came. Raises `_TryAgain` once in a while where there were next to none."""
        self._bytes += n_bytes
        waited_s = time.monotonic() - self._since
        if waited_s < _LONGEST_DRIP_S:
            return
        if self._bytes < _LEAST_BYTES_PER_S * waited_s:
            raise _TryAgain(f"only {self._bytes} bytes came in {waited_s:.0f} s")
        self._since, self._bytes = time.monotonic(), 0


@dataclass(frozen=True, slots=True)
class _Fetch:
    """One file from one address."""

    client: httpx.Client
    url: str
    sha256: str
    partial: Partial
    progress: Progress
    max_bytes: int

    def run(self, tries: int, backoff_s: float) -> None:
        try:
            host = _host(httpx.URL(self.url))
            reason = self._repeat(tries, backoff_s)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(f"The weights cannot be fetched: {error}") from error
        if reason:
            raise unreachable(f"{host} gave no file in {tries} tries: {reason}")

    def _repeat(self, tries: int, backoff_s: float) -> str:
        """Try until it works; returns why the last try failed, or nothing."""
        reason = ""
        for number in range(tries):
            if number:
                time.sleep(backoff_s * 2 ** (number - 1))
            try:
                self._attempt()
            except (_TryAgain, httpx.TransportError) as error:
                reason = str(error) or type(error).__name__
            else:
                return ""
        return reason

    def _attempt(self) -> None:
        offset, headers = self.partial.resume_point()
        with self.client.stream("GET", self.url, headers=headers) as response:
            start = self._start_of(response, offset)
            self._receive(response, start)
        if sha256_of(self.partial.path) == self.sha256:
            return self.partial.finish()
        self.partial.discard()
        if start:
            raise _TryAgain("the pieces do not make the file that was asked for")
        raise corrupt(f"The file from {_host(response.url)} is not the one that the card names.")

    def _start_of(self, response: httpx.Response, offset: int) -> int:
        """The place at which the body of an answer continues what we have; raises where it is no file at all."""
        host = _host(response.url)
        if response.status_code == 200:
            return 0
        if response.status_code == 206 and offset:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
            if match is not None and int(match[1]) == offset:
                return offset
        elif response.status_code not in _TRANSIENT:
            raise unreachable(f"{host} answered with status {response.status_code}.")
        if response.status_code in {206, 416}:
            self.partial.discard()
        raise _TryAgain(f"{host} answered with status {response.status_code}")

    def _receive(self, response: httpx.Response, start: int) -> None:
        """Append the body to what we have, or begin anew where `start` is 0."""
        if start == 0:
            self.partial.begin(response.headers.get("etag", ""), response.headers.get("last-modified", ""))
        length = response.headers.get("content-length", "")
        total = start + int(length) if length.isdecimal() else None  # shown to the user, never relied on
        done, pace = start, _Pace()
        with self.partial.path.open("ab") as file:
            for piece in response.iter_raw():
                done += len(piece)
                if done > self.max_bytes:
                    break
                file.write(piece)
                self.progress("download", done, total)
                pace.hold(len(piece))
        if done > self.max_bytes:
            self.partial.discard()
            raise corrupt(f"{_host(response.url)} sent more than {self.max_bytes} bytes.")


def _host(url: httpx.URL) -> str:
    """Name of the server for messages; refuses addresses that anybody on the way could read or change."""
    if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOOPBACK):
        raise unreachable(f"The address of the weights must be https, not {url.scheme!r}.")
    return url.host
