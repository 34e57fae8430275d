"""The decode child: `python -m sonotype.audio.child FD PARENT MEMORY`, started by the pool only.

It imports the decoders, gives up its rights, and then serves one job after the other until the parent goes away.
It holds no secrets, no models and no files; whatever a crafted upload makes of it, it can only answer nonsense on
its one socket or die.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import asdict
from typing import Any

from sonotype.audio import limits, wire
from sonotype.audio.blob import Blob
from sonotype.audio.decoding import Decoding
from sonotype.audio.rehearsal import rehearse
from sonotype.core.errors import Code, SonotypeError

_PIECE = 1 << 16


class _CancelledError(Exception):
    """The parent does not want the rest."""


def main() -> None:
    """Set up, then serve until the parent closes the socket."""
    descriptor, parent, memory_bytes = (int(argument) for argument in sys.argv[1:4])
    sock = socket.socket(fileno=descriptor)
    limits.isolate_network()
    rehearse()
    limits.confine(parent, memory_bytes)
    try:
        wire.send_record(sock, wire.READY)
        while (content := wire.receive_order(sock)) is not None:
            if "cancel" in content:
                continue
            _take(sock, wire.Job(**content))
    except ConnectionError:
        pass
    # Nothing is worth tidying in a process that is done; some codecs crash while they try.
    os._exit(0)


def _take(sock: socket.socket, job: wire.Job) -> None:
    """Receive the bytes of a job and serve it; bytes that do not fit are read past, so that the child stays usable."""
    try:
        blob = Blob(job.size)
    except MemoryError:
        for left in range(job.size, 0, -_PIECE):
            wire.receive_into(sock, memoryview(bytearray(min(left, _PIECE))))
        _refuse(sock, Code.UNDECODABLE, "This file needs more memory than a decoder may have.", limit="memory")
        return
    if wire.receive_into(sock, blob.view):
        _serve(sock, job, blob)


def _serve(sock: socket.socket, job: wire.Job, blob: Blob) -> None:
    try:
        limits.allow_cpu(job.cpu_s)
        work = Decoding(job, blob)
        for chunk in work.chunks():
            if wire.interrupted(sock):
                raise _CancelledError
            wire.send_record(sock, wire.SAMPLES, chunk.data.cast("B"))
        wire.send_record(sock, wire.FINISHED, json.dumps(asdict(work.facts())).encode())
    except SonotypeError as error:
        _refuse(sock, error.code, error.detail)
    except _CancelledError:
        _refuse(sock, Code.CANCELLED, "The caller left.")
    except ConnectionError:
        raise
    except MemoryError:
        _refuse(sock, Code.UNDECODABLE, "Decoding this file needs more memory than a decoder may have.", limit="memory")
    except Exception:  # noqa: BLE001 - the worker loop: a binding that trips over crafted bytes is a refusal
        _refuse(sock, Code.UNDECODABLE, "The audio data cannot be decoded.")


def _refuse(sock: socket.socket, code: Code, detail: str, limit: str | None = None) -> None:
    answer: dict[str, Any] = {"code": code.value, "detail": detail, "limit": limit}
    wire.send_record(sock, wire.REFUSED, json.dumps(answer).encode())


if __name__ == "__main__":
    main()
