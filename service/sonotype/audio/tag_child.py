"""The tag child: `python -m sonotype.audio.tag_child FD PARENT MEMORY`, started by `tag_reader` only.

It parses the tags of untrusted files under the limits of a decode child. An order is {"size", "cpu_s"} and the bytes
of the file; the answer is one FINISHED record with the fields as JSON, or an empty REFUSED one.
"""

from __future__ import annotations

import json
import os
import socket
import sys

from sonotype.audio import limits, wire
from sonotype.audio.tag_fields import read_fields, rehearse


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
            data = bytearray(int(content["size"]))
            if not wire.receive_into(sock, memoryview(data)):
                break
            limits.allow_cpu(int(content["cpu_s"]))
            _serve(sock, data)
    except ConnectionError:
        pass
    os._exit(0)


def _serve(sock: socket.socket, data: bytearray) -> None:
    try:
        answer = json.dumps(read_fields(data)).encode()
    except Exception:  # noqa: BLE001 - the worker loop: a parser that trips over crafted bytes is a refusal
        wire.send_record(sock, wire.REFUSED)
    else:
        wire.send_record(sock, wire.FINISHED, answer)


if __name__ == "__main__":
    main()
