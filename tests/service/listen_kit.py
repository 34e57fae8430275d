"""Clients of live sessions: one over WebSocket, one over gRPC, and both as programs that can be killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from harness import Served
from sonotype.api.grpc.gen import live_pb2 as pb
from sonotype.api.grpc.gen.live_pb2_grpc import LiveStub

FORMATS = {"encoded": 1, "pcm_s16le": 2, "pcm_f32le": 3}
BINARY = {"Content-Type": "application/octet-stream"}


def address(served: Served) -> str:
    return f"ws://127.0.0.1:{served.port}/v1/listen"


@contextmanager
def opened(served: Served, options: dict[str, Any], **how: Any) -> Iterator[ClientConnection]:
    """A connection whose session is open."""
    with connect(address(served), compression=None, open_timeout=30, ping_interval=None, **how) as connection:
        connection.send(json.dumps(options))
        ready = json.loads(connection.recv(30))
        assert "ready" in ready, ready
        yield connection


def everything(connection: ClientConnection, chunks: Iterable[bytes]) -> list[dict[str, Any]]:
    """Send audio to its end, or until the connection is closed; all messages."""
    messages: list[dict[str, Any]] = []
    with suppress(ConnectionClosed):
        for chunk in chunks:
            connection.send(chunk)
        connection.send('{"end": true}')
    with suppress(ConnectionClosed):
        while True:
            messages.append(json.loads(connection.recv(30)))
    return messages


def by_websocket(served: Served, options: dict[str, Any], chunks: Iterable[bytes]) -> list[dict[str, Any]]:
    """All messages of a session but the first."""
    with opened(served, options) as connection:
        messages = everything(connection, chunks)
        assert connection.close_code == 1000, (connection.close_code, messages[-1:])
        return messages


def requests(options: dict[str, Any], chunks: Iterable[bytes]) -> Iterator[pb.ListenRequest]:
    fields = {**options, "format": FORMATS[options.get("format", "encoded")]}
    if fields.get("top_k") == "all":
        fields |= {"all_tags": True, "top_k": None}
    yield pb.ListenRequest(options=pb.ListenOptions(**fields))
    for chunk in chunks:
        yield pb.ListenRequest(chunk=chunk)


def by_grpc(served: Served, options: dict[str, Any], chunks: Iterable[bytes]) -> list[dict[str, Any]]:
    """The same over gRPC, as the same messages."""
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        ready, *answers, last = LiveStub(channel).Listen(requests(options, chunks), timeout=60)
    assert ready.HasField("ready")
    assert last.HasField("done")
    return [*(_body(answer.tags) for answer in answers), {"done": {"answers": last.done.answers}}]


def _body(tags: pb.LiveTags) -> dict[str, Any]:
    models = [
        {"model": one.model, "tags": [{"label": t.label, "score": t.score, "raw": t.raw} for t in one.tags]}
        for one in tags.models
    ]
    return {"time_s": tags.time_s, "start_s": tags.start_s, "lag_s": tags.lag_s, "models": models}


FACES = {"websocket": by_websocket, "grpc": by_grpc}


def scores_of(messages: list[dict[str, Any]], labels: list[str]) -> NDArray[np.float64]:
    """Plain scores of the first model, shape [n_answers, n_labels]."""
    rows = []
    for message in messages:
        found = {tag["label"]: tag["raw"] for tag in message["models"][0]["tags"]}
        rows.append([found[label] for label in labels])
    return np.array(rows)


def taggram(served: Served, audio: bytes, **params: object) -> tuple[list[str], NDArray[np.float64]]:
    """Labels, and the scores of every patch of a whole file, shape [n_patches, n_labels]."""
    asked = {"tail": "drop", "timeline": "true", "top_k": "all", **params}
    answer = httpx.post(f"{served.url}/v1/tags", params=asked, content=audio, headers=BINARY, timeout=120)
    assert answer.status_code == 200, answer.text
    timeline = answer.json()["results"][0]["timeline"]
    return timeline["labels"], np.array(timeline["scores"])


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


_CLIENT = """
import sys, time
sys.path.insert(0, sys.argv[1])
from types import SimpleNamespace
import listen_kit
face, port = sys.argv[2], int(sys.argv[3])
served = SimpleNamespace(port=port, grpc_port=port)
options = {"models": ["fake"], "format": "pcm_s16le", "sample_rate_hz": 16000, "hop_s": 0.5}

def chunks():
    print("streaming", flush=True)
    while True:
        yield bytes(3200)
        time.sleep(0.1)

listen_kit.FACES[face](served, options, chunks())
"""


def streaming_client(served: Served, face: str) -> subprocess.Popen[str]:
    """A program that streams silence in real time until it is stopped; returns when it has begun."""
    port = served.port if face == "websocket" else served.grpc_port
    folder = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent.parent)!r}){_CLIENT}"
    process = subprocess.Popen(
        [sys.executable, "-c", code, folder, face, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "streaming\n"
    return process
