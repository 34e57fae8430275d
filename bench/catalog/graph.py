"""What keeping a faiss graph costs beside searching it: adding, writing, reading, sharing it between threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import faiss
import numpy as np

from bench.catalog import corpus
from bench.catalog.engines.hybrid import WIDTH

_ADDS = 300
_WIDTHS = (32, 64, 96, 128, 192, 256, 512, 1024)


def measure(folder: Path) -> dict[str, Any]:
    """Over the snapshot of `faiss-sqlite` in the folder of a corpus."""
    data, path = corpus.load(folder), folder / "faiss-sqlite" / "snapshot.faiss"
    faiss.omp_set_num_threads(1)
    index, found = faiss.read_index(str(path)), {"read_s": _seconds(lambda: faiss.read_index(str(path)))}
    copy = folder / "copy.faiss"
    found["write_s"] = _seconds(lambda: faiss.write_index(index, str(copy)))
    found["bytes"] = copy.stat().st_size
    found["write_without_vectors_s"] = _seconds(lambda: faiss.write_index(index, str(copy), faiss.IO_FLAG_SKIP_STORAGE))
    found["bytes_without_vectors"] = copy.stat().st_size
    found["read_without_vectors_s"] = _seconds(lambda: faiss.read_index(str(copy), faiss.IO_FLAG_SKIP_STORAGE))
    copy.unlink()
    found["widths"] = {width: _walk(index, data, width) for width in _WIDTHS}
    found["selectors"] = {column: _selectors(data, column) for column in ("tenth", "hundredth", "thousandth")}
    found["locked"] = _beside_adds(index, data)
    return found


def _walk(index: faiss.IndexHNSW, data: corpus.Corpus, width: int) -> dict[str, float]:
    parameters, times, rows = faiss.SearchParametersHNSW(efSearch=width), [], []
    for query in data.queries:
        begin = time.perf_counter()
        rows.append(index.search(query[None], corpus.K, params=parameters)[1][0])
        times.append(time.perf_counter() - begin)
    recall = corpus.recall(np.array(rows), data.truth["none"])
    return {"recall": round(recall, 4), **_quantiles(times)}


def _selectors(data: corpus.Corpus, column: str) -> dict[str, float]:
    """Milliseconds to turn a column into each kind of selector."""
    values = data.columns[column][: data.count]
    makers: dict[str, Callable[[], object]] = {
        "bitmap": lambda: faiss.IDSelectorBitmap(np.packbits(values == 3, bitorder="little")),
        "array": lambda: faiss.IDSelectorArray(np.flatnonzero(values == 3)),
        "batch": lambda: faiss.IDSelectorBatch(np.flatnonzero(values == 3)),
    }
    return {f"{name}_ms": round(1e3 * median(_seconds(make) for _ in range(20)), 3) for name, make in makers.items()}


def _beside_adds(index: faiss.IndexHNSW, data: corpus.Corpus) -> dict[str, Any]:
    """One thread adds row by row under a lock that searches take too; the waits of both."""
    lock, adds, waits, done = threading.Lock(), [], [], threading.Event()
    parameters = faiss.SearchParametersHNSW(efSearch=WIDTH)

    def add() -> None:
        for number in range(data.count, data.count + _ADDS):
            row = np.array(data.vectors[number])[None]
            with lock:
                begin = time.perf_counter()
                index.add(row)
                adds.append(time.perf_counter() - begin)
        done.set()

    thread, number = threading.Thread(target=add), 0
    thread.start()
    while not done.is_set():
        query = data.queries[number % len(data.queries)][None]
        begin = time.perf_counter()
        with lock:
            index.search(query, corpus.K, params=parameters)
        waits.append(time.perf_counter() - begin)
        number += 1
    thread.join()
    return {"add": _quantiles(adds), "search": _quantiles(waits), "searches": len(waits)}


def _quantiles(seconds: list[float]) -> dict[str, float]:
    return {f"p{q}_ms": round(float(np.percentile(seconds, q)) * 1e3, 3) for q in (50, 99)}


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin
