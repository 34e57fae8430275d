"""The child that decodes one stream: `python -m sonotype.audio.live.child FD PARENT MEMORY CPU`.

It is the decode child of `audio.child` for a stream that is still coming: the same rights given up before it sees a
byte, nothing to steal, one socket. It lives for one stream.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from dataclasses import asdict

from sonotype.audio import limits, wire
from sonotype.audio.live.recognise import recognise
from sonotype.audio.live.source import StreamSource
from sonotype.audio.live.wire import DATA, END, HEAD, Head, Pipe
from sonotype.audio.rehearsal import SILENCE_WAV, rehearse
from sonotype.audio.sniff import Format
from sonotype.core.errors import Code, SonotypeError


def main() -> None:
    """Set up, decode one stream, end."""
    descriptor, parent, memory_bytes, cpu_s = (int(argument) for argument in sys.argv[1:5])
    sock = socket.socket(fileno=descriptor)
    limits.isolate_network()
    rehearse()
    _rehearse_stream()
    limits.confine(parent, memory_bytes)
    with contextlib.suppress(ConnectionError):
        wire.send_record(sock, wire.READY)
        limits.allow_cpu(cpu_s)
        _serve(sock)
    # Nothing is worth tidying in a process that is done; some codecs crash while they try.
    os._exit(0)


def _serve(sock: socket.socket) -> None:
    try:
        _decode(sock)
        wire.send_record(sock, wire.FINISHED)
    except SonotypeError as error:
        _refuse(sock, error.code, error.detail)
    except ConnectionError:
        raise
    except MemoryError:
        _refuse(sock, Code.UNDECODABLE, "Decoding this stream needs more memory than a decoder may have.", "memory")
    except Exception:  # noqa: BLE001 - the worker loop: a binding that trips over crafted bytes is a refusal
        _refuse(sock, Code.UNDECODABLE, "The audio data cannot be decoded.")


def _decode(sock: socket.socket) -> None:
    pipe = Pipe(sock)
    said: Head | None = None
    for head, samples in StreamSource(recognise(pipe), pipe).pieces():
        if head != said:
            wire.send_record(sock, HEAD, json.dumps(asdict(head)).encode())
            said = head
        wire.send_record(sock, wire.SAMPLES, samples.data.cast("B"))


def _refuse(sock: socket.socket, code: Code, detail: str, limit: str | None = None) -> None:
    wire.send_record(sock, wire.REFUSED, json.dumps({"code": code.value, "detail": detail, "limit": limit}).encode())


def _rehearse_stream() -> None:
    """Read from a pipe once, too, and be refused once by each demuxer."""
    for kind in Format:
        ours, theirs = socket.socketpair()
        with ours, theirs, contextlib.suppress(SonotypeError):
            ours.sendall(wire.RECORD.pack(DATA, len(SILENCE_WAV)) + SILENCE_WAV + wire.RECORD.pack(END, 0))
            for _ in StreamSource(kind, Pipe(theirs)).pieces():
                pass


if __name__ == "__main__":
    main()
