"""The conversation between the gateway and a child that sends samples, on one stream socket.

To the child: a 4-byte length and a JSON order (a job, or `{"cancel": true}`); the job of a decode child (`Job`) is
followed by `size` bytes.
From the child: records of a 1-byte kind, a 4-byte length and a payload:

    R  ready, once after the start
    P  samples, float32 little-endian
    F  finished: JSON of `Facts`; empty from a child that sonifies
    E  refused: JSON {"code", "detail", "limit"}; `limit` names the limit that stopped it, or is null

A job ends with exactly one F or E. A cancelled job ends with an E as well, and so does a job that was about to end
when the cancel came: the pool reads to the end of the job, and an idle child passes over a cancel.
"""

from __future__ import annotations

import json
import select
import socket
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from sonotype.core.types import Crop

Backend = Literal["auto", "sndfile", "libav"]

ORDER: Final = struct.Struct("<I")
RECORD: Final = struct.Struct("<cI")
READY, SAMPLES, FINISHED, REFUSED = b"R", b"P", b"F", b"E"
MAX_RECORD_BYTES: Final = 1 << 24
CANCEL: Final = {"cancel": True}


@dataclass(frozen=True, slots=True)
class Job:
    """One decode order.

    Attributes:
        format: the container, found by `sniff`.
        size: bytes that follow.
        rate_hz: rate of the samples to send.
        offset_s: start of the crop.
        duration_s: length of the crop; None means to the end.
        max_clip_s: most seconds that may be decoded.
        min_clip_s: fewest seconds that make a clip.
        cpu_s: CPU time that the job may use.
        backend: which decoder; anything but `auto` is for tests.
    """

    format: str
    size: int
    rate_hz: int
    offset_s: float
    duration_s: float | None
    max_clip_s: float
    min_clip_s: float
    cpu_s: int
    backend: Backend = "auto"

    @property
    def crop(self) -> Crop:
        """The part to analyse."""
        return Crop(self.offset_s, self.duration_s)


@dataclass(slots=True)
class Facts:
    """What was seen of the analysed part; the fields of `ClipInfo` that the decoder knows."""

    sample_rate_hz: int = 0
    channels: int = 0
    duration_s: float = 0.0
    truncated: bool = False
    clipped: bool = False
    silent: bool = False


def order(content: Job | Mapping[str, Any]) -> bytes:
    """Encode an order to the child."""
    body = json.dumps(asdict(content) if isinstance(content, Job) else dict(content)).encode()
    return ORDER.pack(len(body)) + body


def receive_into(sock: socket.socket, view: memoryview) -> bool:
    """Fill `view` from a blocking socket; False if the other side is gone."""
    while view:
        count = sock.recv_into(view)
        if count == 0:
            return False
        view = view[count:]
    return True


def receive_order(sock: socket.socket) -> dict[str, Any] | None:
    """Read one order in the child; None if the parent is gone."""
    head = bytearray(ORDER.size)
    if not receive_into(sock, memoryview(head)):
        return None
    body = bytearray(ORDER.unpack(head)[0])
    if not receive_into(sock, memoryview(body)):
        return None
    content: dict[str, Any] = json.loads(body)
    return content


def interrupted(sock: socket.socket) -> bool:
    """Whether the parent says something while a job runs: it can only be a cancel, or that it is gone."""
    if not select.select([sock], [], [], 0)[0]:
        return False
    receive_order(sock)
    return True


def send_record(sock: socket.socket, kind: bytes, payload: bytes | memoryview = b"") -> None:
    """Write one record in the child; waits while the parent does not read."""
    sock.sendall(RECORD.pack(kind, len(payload)))
    if payload:
        sock.sendall(payload)
