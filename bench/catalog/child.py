"""One engine in a process of its own: reads an order per line, answers a line of JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.catalog import corpus
from bench.catalog.engines import BARE, engine
from bench.catalog.engines.hybrid import Hybrid
from bench.catalog.engines.port import Engine

_CHUNK = 20_000


class Child:
    """What can be ordered; every public method is an order."""

    def __init__(self, name: str, folder: Path) -> None:
        self._corpus, self._name, self._folder = corpus.load(folder), name, folder / name
        self._base_mb, self._held = _resident_mb(), 0
        self._engine: Engine

    def build(self, count: int, threads: int) -> dict[str, Any]:
        """Insert rows in bulk and close; the threads are those of the graphs beside SQLite."""
        self._folder.mkdir()
        Hybrid.threads = threads
        self._open()
        begin, data = time.perf_counter(), self._corpus
        for first in range(0, count, _CHUNK):
            part = slice(first, min(first + _CHUNK, count))
            columns = {name: values[part] for name, values in data.columns.items()}
            self._engine.bulk(first, np.array(data.vectors[part]), columns)
        insert_s = time.perf_counter() - begin
        self._engine.seal()
        wall_s = time.perf_counter() - begin
        graph_s = self._engine.graph_s
        self._engine.close()
        found = {"rows": count, "wall_s": wall_s, "insert_s": insert_s, "graph_s": graph_s}
        return found | {"cpu_s": time.process_time(), "threads": getattr(self._engine, "threads", None)}

    def open(self) -> dict[str, Any]:
        """Start and answer one query."""
        begin = time.perf_counter()
        self._open()
        self._engine.search(self._corpus.queries[0], corpus.K)
        start_s = time.perf_counter() - begin
        # an earlier run may have left some rows
        self._held = self._corpus.count if self._name in BARE else int(self._engine.numbers().max()) + 1
        return {"start_s": start_s}

    def search(self, filter: str, begin: int, end: int, limit_s: float) -> dict[str, Any]:
        """Queries one by one, until the time is up."""
        times, busy, found = [], [], np.full((end - begin, corpus.K), -1, np.int64)
        for number in range(begin, end):
            if sum(times) > limit_s:
                break
            query, where = self._corpus.queries[number], self._corpus.where(filter, number)
            start, start_busy = time.perf_counter(), time.thread_time()
            rows = self._engine.search(query, corpus.K, where)
            times.append(time.perf_counter() - start)
            busy.append(time.thread_time() - start_busy)
            found[number - begin, : len(rows)] = rows
        truth = self._corpus.answers(filter, begin, begin + len(times), self._held)
        return {"seconds": times, "busy": busy, "recall": corpus.recall(found[: len(times)], truth)}

    def insert(self, count: int) -> dict[str, Any]:
        """Single rows, each acknowledged and then looked for."""
        times, missed = [], 0
        for number in range(self._held, self._held + count):
            vector = np.array(self._corpus.vectors[number])
            start = time.perf_counter()
            self._engine.add(number, vector, self._corpus.row(number))
            times.append(time.perf_counter() - start)
            missed += number not in self._engine.search(vector, corpus.K)
        self._held += count
        return {"seconds": times, "missed": missed}

    def insert_until_killed(self, first: int) -> None:
        """Single rows without end; says each number once it is acknowledged."""
        for number in range(first, len(self._corpus.vectors)):
            self._engine.add(number, np.array(self._corpus.vectors[number]), self._corpus.row(number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()

    def check(self, rows: list[int]) -> dict[str, Any]:
        """Which of these rows the store or a search does not have, and which the store has twice."""
        held = self._engine.numbers()
        unfound = [
            n for n in rows if n not in self._engine.search(np.array(self._corpus.vectors[n]), corpus.K).tolist()
        ]
        lost = [n for n in rows if n not in set(held.tolist())]
        return {
            "lost": lost,
            "unfound": unfound,
            "twice": len(held) - len(np.unique(held)),
            "next": int(held.max()) + 1,
        }

    def memory(self) -> dict[str, Any]:
        """Resident memory, files seen through memory apart, beyond what the process had before the engine came."""
        return {"resident_mb": _resident_mb() - self._base_mb}

    def _open(self) -> None:
        self._engine = engine(self._name)(self._folder, self._corpus.vectors.shape[1])


def _resident_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def main(name: str, folder: str) -> None:
    """Obey until the input ends."""
    child = Child(name, Path(folder))
    for line in sys.stdin:
        order = json.loads(line)
        answer = getattr(child, order.pop("do"))(**order)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
