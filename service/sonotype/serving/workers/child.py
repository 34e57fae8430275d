"""The worker process: loads the served models, then runs batches that lie in shared memory, one after the other.

Started as `python -m sonotype.serving.workers.child SOCKET_FD SLAB_FD PARENT_PID`; everything else comes through the
socket. It ends when the socket closes, when its parent dies, or when the device can no longer be trusted.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sonotype.audio.limits import die_with
from sonotype.core.errors import SonotypeError
from sonotype.core.types import Patchout
from sonotype.models.card import Card
from sonotype.models.runtime import Runtime
from sonotype.models.tuning.choosing import Chooser
from sonotype.serving.workers import wire
from sonotype.serving.workers.failures import Failure, classify, empty_device_cache
from sonotype.serving.workers.slab import Geometry, Slab
from sonotype.serving.workers.warmup import measure

EXIT_LOAD = 3
EXIT_STICKY = 70

_log = logging.getLogger("sonotype.worker")


def main() -> int:
    """Serve until the parent closes the socket; returns the exit code."""
    sock_fd, slab_fd, parent = map(int, sys.argv[1:4])
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gateway, which then drains
    logging.basicConfig(level=logging.INFO, format="worker %(process)d: %(message)s")
    sock = socket.socket(fileno=sock_fd)
    messages = wire.receive(sock, wire.Unpacker())
    hello = next(messages, None)
    if hello is None:
        return 0
    slab = Slab(slab_fd, Geometry(**hello["geometry"]))
    os.close(slab_fd)
    try:
        worker = Worker(slab, _load(hello))
        ready = worker.warm_up(hello["rows"])
    except Exception as error:  # noqa: BLE001 - worker boundary: the gateway must learn why, whatever it was
        _log.exception("loading failed")
        sock.sendall(wire.pack({"type": "failed", **_reason(error)}))
        return EXIT_LOAD
    sock.sendall(wire.pack(ready))
    for job in messages:
        answer = worker.answer(job)
        sock.sendall(wire.pack(answer))
        if answer.get("kind") == Failure.STICKY:
            return EXIT_STICKY
    return 0


class Worker:
    """The loaded models and the slab."""

    def __init__(self, slab: Slab, runtimes: dict[str, Runtime]) -> None:
        self._slab = slab
        self._runtimes = runtimes

    def warm_up(self, rows: dict[str, int]) -> wire.Message:
        """Run every model, as `warmup.measure` does; says how fast it was."""
        rates = {address: measure(runtime, rows[address]) for address, runtime in self._runtimes.items()}
        precisions = {address: runtime.precision for address, runtime in self._runtimes.items()}
        return {"type": "ready", "rates": rates, "precisions": precisions}

    def answer(self, job: wire.Message) -> wire.Message:
        """Run one batch and report its outcome; only death of the process escapes from here."""
        try:
            return {"id": job["id"], "ok": True, **self._run(job)}
        except Exception as error:  # noqa: BLE001 - worker loop boundary: one batch must not end the service
            kind = classify(error)
            _log.warning("batch of %s failed (%s): %s", job["model"], kind, type(error).__name__, exc_info=True)
            if kind is Failure.OOM:
                empty_device_cache()
            return {"id": job["id"], "ok": False, "kind": kind, "error": type(error).__name__}

    def _run(self, job: wire.Message) -> dict[str, Any]:
        runtime = self._runtimes[job["model"]]
        rows = len(job["valid"])
        windows = self._slab.windows(job["slot"], rows, job["samples"])
        valid = np.array(job["valid"], dtype=np.int64)
        patchout = None if job["patchout"] is None else Patchout(**job["patchout"])
        output = runtime.run(windows, valid, job["fill"], job["frontend"], patchout)
        finite = np.ones(rows, dtype=np.bool_)
        for name, target in self._slab.outputs(job["slot"], rows, runtime.outputs).items():
            target[...] = output.arrays[name]
            finite &= np.isfinite(target).reshape(rows, -1).all(axis=1)
        return {"seconds": dict(output.seconds), "bad": np.flatnonzero(~finite).tolist()}


def _load(hello: wire.Message) -> dict[str, Runtime]:
    """Load every model by the loader named in the first message, `module:function`."""
    module, _, function = hello["loader"].partition(":")
    load: Callable[..., Runtime] = getattr(importlib.import_module(module), function)
    runtimes: dict[str, Runtime] = {}
    measured = Path(hello["measured"]) if hello["measured"] else None
    chooser = Chooser(load, hello["device"], hello["threads"], measured)
    for entry in hello["models"]:
        card = Card.model_validate(entry["card"])
        weights = Path(entry["weights"]) if entry["weights"] else None
        runtimes[card.address] = chooser.load(card, weights, entry["precision"], entry["engine"])
    return runtimes


def _reason(error: Exception) -> dict[str, str]:
    if isinstance(error, SonotypeError):
        return {"code": error.code, "detail": error.detail}
    return {"code": "unavailable", "detail": f"A worker could not load its models ({type(error).__name__})."}


if __name__ == "__main__":
    sys.exit(main())
