"""The sonification process: loads a decoder when it is first asked for, and serves one order after the other.

Started as `python -m sonotype.serving.sonify.child SOCKET_FD PARENT_PID THREADS`. It runs below the priority of
everything else of the service, so that it gets the time that analysis leaves over.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sonotype.audio import wire
from sonotype.audio.limits import die_with
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.sonify.base import Pausing, Sonifier, go_on, load
from sonotype.serving.sonify.order import Order

NICE = 10

_log = logging.getLogger("sonotype.sonify")


class _CancelledError(Exception):
    """The parent does not want the rest, or not now."""


def main() -> None:
    """Serve until the parent closes the socket."""
    descriptor, parent, threads = (int(argument) for argument in sys.argv[1:4])
    die_with(parent)
    os.nice(NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gateway, which then drains
    logging.basicConfig(level=logging.INFO, format="sonify %(process)d: %(message)s")
    sock = socket.socket(fileno=descriptor)
    decoders = Decoders(threads)
    try:
        wire.send_record(sock, wire.READY)
        while (message := wire.receive_order(sock)) is not None:
            if "cancel" not in message:
                _take(sock, decoders, message)
    except ConnectionError:
        pass


class Decoders:
    """The decoders that are loaded, by the address and the hash of their model.

    Args:
        threads: that each may use.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._loaded: dict[tuple[str, str], Sonifier] = {}

    def blocks(self, order: Order, pause: Callable[[], None] = go_on) -> Iterator[Floats]:
        """Generate what is ordered; an order of nothing loads the decoder and tries it once.

        Args:
            order: what to make.
            pause: called before every step of a decoder that has any; may raise.

        Raises:
            SonotypeError: what the decoder refuses; `item_failed` where it gives something that is no audio.
        """
        sonifier = self._get(order)
        if isinstance(sonifier, Pausing):
            sonifier.pause = pause if len(order.embeddings) else go_on
        if not len(order.embeddings):
            # the first run pays for lazy initialisation: let nobody wait for it
            for _ in sonifier.stream(np.zeros(sonifier.dim, np.float32), seed=order.seed):
                pass
        for embedding in order.embeddings:
            count = 0
            for block in sonifier.stream(embedding, seed=order.seed, steps=order.steps, guidance=order.guidance):
                if not np.isfinite(block).all():
                    raise SonotypeError(Code.ITEM_FAILED, "The decoder made samples that are not finite.")
                count += len(block)
                yield block
            if count != sonifier.segment_samples:
                raise SonotypeError(Code.ITEM_FAILED, "The decoder made a segment of the wrong length.")

    def _get(self, order: Order) -> Sonifier:
        key = (order.card.address, order.card.weights.sha256)
        if key not in self._loaded:
            self._loaded[key] = load(order.folder, order.card, self._threads)
        return self._loaded[key]


def _take(sock: socket.socket, decoders: Decoders, message: dict[str, Any]) -> None:
    """Serve one order; whatever goes wrong with it ends it alone."""

    def pause() -> None:
        if wire.interrupted(sock):
            raise _CancelledError

    try:
        for block in decoders.blocks(Order.read(message), pause):
            pause()
            wire.send_record(sock, wire.SAMPLES, np.ascontiguousarray(block, dtype="<f4").tobytes())
        wire.send_record(sock, wire.FINISHED)
    except SonotypeError as error:
        _refuse(sock, error.code, error.detail)
    except _CancelledError:
        _refuse(sock, Code.CANCELLED, "The caller left.")
    except ConnectionError:
        raise
    except Exception:  # noqa: BLE001 - worker loop boundary: one order must not end the lane
        _log.exception("an order failed")
        _refuse(sock, Code.ITEM_FAILED, "The decoder failed.")


def _refuse(sock: socket.socket, code: Code, detail: str) -> None:
    wire.send_record(sock, wire.REFUSED, json.dumps({"code": code.value, "detail": detail, "limit": None}).encode())


if __name__ == "__main__":
    main()
