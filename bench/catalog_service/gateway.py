"""The same queries over HTTP, asked of `sonotype serve` on the same catalogue."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from bench.catalog.corpus import Corpus, K, recall
from bench.catalog_service import report
from bench.catalog_service.engine import KINDS
from bench.catalog_service.tracks import MODELS, number_of, parameters, track_id
from bench.serving.launch import service

Ask = Callable[[Corpus, str, int, bool], tuple[str, str, str | None]]
"""Method, path and body of query `number` with a filter; exact where the last says so."""

_WARM = 30
_OPEN_S, _POLL_S = 300.0, 0.05
_EXACT = 60  # queries that are asked once more for the exact answer, which takes long


def by_track(corpus: Corpus, kind: str, number: int, exact: bool) -> tuple[str, str, str | None]:
    """What is similar to a track of the catalogue."""
    options = {"k": K, **parameters(corpus, kind, number), **({"exact": "true"} if exact else {})}
    row = number * 7919 % corpus.count
    return "GET", f"/v1/tracks/{track_id(row)}/similar?{urlencode(options)}", None


def by_vector(corpus: Corpus, kind: str, number: int, exact: bool, hubness: str = "mutual_proximity") -> Any:
    """What is similar to an embedding that the catalogue does not hold."""
    where = {
        name: [value] if isinstance(value, str) else value for name, value in parameters(corpus, kind, number).items()
    }
    seeds = [{"embedding": corpus.queries[number].tolist()}]
    body = {"seeds": seeds, "k": K, "filter": where, "hubness": hubness, "exact": exact}
    return "POST", "/v1/similar", json.dumps(body)


def by_vector_as_is(corpus: Corpus, kind: str, number: int, exact: bool) -> Any:
    """The same without the correction of hubs: what the engine gives is the answer."""
    return by_vector(corpus, kind, number, exact, "none")


ASKS: dict[str, Ask] = {"by track": by_track, "by vector": by_vector, "by vector, by cosine": by_vector_as_is}


class Connection:
    """One that is kept."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.close = self._http.close

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[float, bytes]:
        """Seconds until the whole answer is here, and it. Raises RuntimeError when it is not 200."""
        begin = time.perf_counter()
        self._http.request(method, path, body, {"content-type": "application/json"} if body else {})
        response = self._http.getresponse()
        text = response.read()
        seconds = time.perf_counter() - begin
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {text[:300]!r}")
        return seconds, text


def measure(corpus: Corpus, work: Path, queries: int) -> dict[str, Any]:
    """Start-up, latency and recall of each way to ask with each filter, resident memory."""
    with _served(work) as (connection, begin):
        found: dict[str, Any] = {"first_answer_s": _first_answer(connection, corpus, begin, degraded=False)}
        found["resident_at_start_mb"] = _resident_mb(connection)
        found["search"] = {
            f"{name}, {kind}": _asked(connection, corpus, ask, kind, queries)
            for name, ask in ASKS.items()
            for kind in KINDS
        }
        found["resident_mb"] = _resident_mb(connection)
    return found


def measure_degraded(corpus: Corpus, work: Path, queries: int) -> dict[str, Any]:
    """The same start without a snapshot: answers are exact, and slower, while the graph is being built."""
    index, aside = work / "data" / "catalog" / "index", work / "index.aside"
    index.rename(aside)
    try:
        with _served(work) as (connection, begin):
            first_s = _first_answer(connection, corpus, begin, degraded=True)
            cpu_s = -_metric(connection, "process_cpu_seconds_total")
            times = [connection.ask(*by_track(corpus, "none", number, False))[0] for number in range(queries)]
            cpu_s += _metric(connection, "process_cpu_seconds_total")
            return {"first_answer_s": first_s, **report.row(times, 1.0, cpu_s)}
    finally:
        shutil.rmtree(index)
        aside.rename(index)


@contextlib.contextmanager
def _served(work: Path) -> Iterator[tuple[Connection, float]]:
    _warm(work / "data" / "catalog")
    begin, settings = time.perf_counter(), {"model_path": str(MODELS), "catalog_embedding": "stand-in@penultimate"}
    with service(work, "stand-in", **settings) as port, contextlib.closing(Connection(port)) as connection:
        yield connection, begin


def _warm(folder: Path) -> None:
    """Let the operating system hold the files, as it does where a service has run for a while."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb", 0) as file:
                while file.read(1 << 24):
                    pass


def _first_answer(connection: Connection, corpus: Corpus, begin: float, *, degraded: bool) -> float:
    """Seconds from the start of the process. Raises RuntimeError when the index is not as expected."""
    while True:
        try:
            said = json.loads(connection.ask(*by_track(corpus, "none", 0, False))[1])
            break
        except RuntimeError:
            # everything but the catalogue is served while it is being opened
            if time.perf_counter() - begin > _OPEN_S:
                raise
            time.sleep(_POLL_S)
    seconds = round(time.perf_counter() - begin, 2)
    if said["degraded"] is not degraded:
        raise RuntimeError(f"degraded: {said['degraded']}")
    return seconds


def _asked(connection: Connection, corpus: Corpus, ask: Ask, kind: str, queries: int) -> dict[str, float]:
    for number in range(min(_WARM, queries)):
        connection.ask(*ask(corpus, kind, number, False))
    cpu_s = -_metric(connection, "process_cpu_seconds_total")
    replies = [connection.ask(*ask(corpus, kind, number, False)) for number in range(queries)]
    cpu_s += _metric(connection, "process_cpu_seconds_total")
    some = range(min(_EXACT, queries))
    exact = [connection.ask(*ask(corpus, kind, number, True))[1] for number in some]
    share = recall(_rows([text for _, text in replies[: len(some)]]), _rows(exact))
    return report.row([seconds for seconds, _ in replies], share, cpu_s)


def _rows(answers: list[bytes]) -> Any:
    rows = np.full((len(answers), K), -1, np.int64)
    for row, text in zip(rows, answers, strict=True):
        ids = [match["track"]["id"] for match in json.loads(text)["matches"]]
        row[: len(ids)] = [number_of(one) for one in ids]
    return rows


def _resident_mb(connection: Connection) -> float:
    return round(_metric(connection, "process_resident_memory_bytes") / 2**20, 1)


def _metric(connection: Connection, name: str) -> float:
    """A metric of the gateway's process."""
    found = re.search(rf"^{name} (\S+)", connection.ask("GET", "/metrics")[1].decode(), re.MULTILINE)
    return float(found[1]) if found else float("nan")
