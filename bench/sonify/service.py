"""The same through the service: `POST /v1/sonify`, from the request to the first and to the last audio."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.serving.launch import service
from bench.sonify.contenders import Timing

_WAV_HEADER_BYTES = 44
_MADE = re.compile(r'^sonotype_renderings_total\{source="made"\} (\d+)', re.MULTILINE)
_WAIT_S = 300.0


@contextmanager
def serving(folder: Path, model: Path, *, threads: int, ahead: bool) -> Iterator[Callable[[int], Timing]]:
    """Start the service on a model folder; yields a function from a seed to the timing of one request.

    Args:
        folder: for its data.
        model: the model folder.
        threads: of its sonification process.
        ahead: it makes renderings all the while; begins when the first is there.

    Raises:
        RuntimeError: it does not start, or renders nothing.
    """
    folder.mkdir(parents=True)
    settings = {
        "model_path": f"{model.resolve().parent},{Path('models').resolve()}",
        "sonify_threads": str(threads),
        "sonify_warm": str(ahead).lower(),
        "sonify_timeout_s": "300",
        "deadline_s": "300",  # the first request waits for the decoder to be loaded
    }
    with service(folder, model.name, **settings) as port:
        if ahead:
            _wait_for_renderings(port)
        yield lambda seed: request(port, model.name, seed, pause_s=0.2 + 0.1 * (seed % 4) if ahead else 0.0)


def request(port: int, model: str, seed: int, pause_s: float = 0.0) -> Timing:
    """One sonification of a random embedding, after a pause; seconds to the first samples and to the last."""
    time.sleep(pause_s)
    embedding = np.random.default_rng(seed).normal(size=_dim(port, model)).tolist()
    body = json.dumps({"model": model, "embedding": embedding, "seed": seed, "format": "wav"})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    begin = time.perf_counter()
    connection.request("POST", "/v1/sonify", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    head = response.read(_WAV_HEADER_BYTES + 2)
    first = time.perf_counter() - begin
    rest = response.read()
    whole = time.perf_counter() - begin
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"the service refused: {(head + rest)[:300]!r}")
    return first, whole


def made(port: int) -> int:
    """Renderings that were made so far."""
    found = _MADE.search(_get(port, "/metrics"))
    return int(found[1]) if found else 0


def _dim(port: int, model: str) -> int:
    return int(json.loads(_get(port, f"/v1/models/{model}"))["prototypes"]["decoder"]["dim"])


def _wait_for_renderings(port: int) -> None:
    end = time.monotonic() + _WAIT_S
    while not made(port):
        if time.monotonic() > end:
            raise RuntimeError("nothing is rendered ahead")
        time.sleep(0.2)


def _get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=300) as answer:
        text: str = answer.read().decode()
    return text
