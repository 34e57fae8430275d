"""A small HTTP server for tests whose answers are scripted, one per request, and whose requests are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler"], None]


@dataclass
class FileServer:
    """Serves `data` at every path, with ranges; `script` holds other answers for the next requests."""

    data: bytes
    etag: str = '"one"'
    last_modified: str = ""
    script: list[Answer] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    def ranges(self) -> list[str | None]:
        return [request.get("range") for request in self.requests]


class Handler(BaseHTTPRequestHandler):
    files: FileServer

    def do_GET(self) -> None:
        self.files.requests.append({name.lower(): value for name, value in self.headers.items()})
        answer = self.files.script.pop(0) if self.files.script else whole_or_rest
        answer(self)

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""

    def begin(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        if self.files.etag:
            self.send_header("ETag", self.files.etag)
        if self.files.last_modified:
            self.send_header("Last-Modified", self.files.last_modified)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


def whole_or_rest(handler: Handler) -> None:
    """What a good server does: the rest if it is asked for and the validator holds, otherwise everything."""
    data, files = handler.files.data, handler.files
    wanted = handler.headers.get("Range", "")
    if wanted and handler.headers.get("If-Range") in {files.etag, files.last_modified} - {""}:
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        handler.begin(206, len(data) - start, Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.wfile.write(data[start:])
    else:
        handler.begin(200, len(data))
        handler.wfile.write(data)


def status(code: int) -> Answer:
    return lambda handler: handler.begin(code, 0)


def cut_after(n_bytes: int) -> Answer:
    """Promise everything, send a part, hang up."""

    def answer(handler: Handler) -> None:
        handler.begin(200, len(handler.files.data))
        handler.wfile.write(handler.files.data[:n_bytes])
        handler.wfile.flush()
        handler.close_connection = True

    return answer


def stall_after(n_bytes: int) -> Answer:
    """Send a part, then nothing until the test releases it."""

    def answer(handler: Handler) -> None:
        handler.begin(200, len(handler.files.data))
        handler.wfile.write(handler.files.data[:n_bytes])
        handler.wfile.flush()
        handler.files.released.wait(30)

    return answer


@contextmanager
def serving(data: bytes, **options: Any) -> Iterator[FileServer]:
    files = FileServer(data, **options)
    handler = type("BoundHandler", (Handler,), {"files": files})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        files.url = f"http://127.0.0.1:{server.server_address[1]}/weights"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield files
        finally:
            files.released.set()
            server.shutdown()
            thread.join()
