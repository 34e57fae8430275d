"""`python -m bench live`: see the README beside this file."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile
from numpy.typing import NDArray
from websockets.asyncio.client import connect

from bench.live.clients import RATE_HZ, Clock, by_grpc, by_websocket, last_samples, latencies_ms
from bench.serving.launch import wait_ready
from sonotype.models.card import Card, read_card

RESULT = Path(__file__).parent.parent / "results" / "live.json"
CARD = Path(__file__).parents[2] / "models" / "musicnn-msd" / "card.toml"
FACES = {"websocket": by_websocket, "grpc": by_grpc}
_LISTENS = re.compile(r"REST http://localhost:(\d+) .*gRPC localhost:(\d+)")


def main() -> None:
    """Run all stages and write the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30, help="audio of one session")
    parser.add_argument("--sessions", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--stalled-minutes", type=float, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _service(Path(folder)) as (process, port, grpc_port):
        result = asyncio.run(_measure(options, process, port, grpc_port))
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


async def _measure(options: argparse.Namespace, process: int, port: int, grpc_port: int) -> dict[str, Any]:
    card, audio = read_card(CARD), _audio(options.seconds)
    ports = {"websocket": port, "grpc": grpc_port}
    result: dict[str, Any] = {"load_before": os.getloadavg()[0], "cpus": os.cpu_count(), "model": card.address}
    await by_websocket(port, 0.5, Clock(_audio(4)))  # nothing is cold any more
    result["latency"] = {
        f"{face} hop {hop_s:g}": _spread(await _session(card, face, ports[face], hop_s, audio))
        for face in FACES
        for hop_s in (1.0, 0.5, 0.25)
    }
    _note(result["latency"])
    result["sessions"] = {}
    for count in options.sessions:
        work = [_session(card, "websocket", port, 0.5, audio) for _ in range(count)]
        result["sessions"][str(count)] = _spread([ms for found in await asyncio.gather(*work) for ms in found])
        _note(result["sessions"])
    result["peer"] = await asyncio.to_thread(_peer, port, audio)
    mine = result["latency"]["websocket hop 0.5"]["median_ms"]
    result["peer"]["ratio"] = round(result["peer"]["median_ms"] / mine, 2)
    _note(result["peer"])
    result["stalled"] = await _stalled(process, port, options.stalled_minutes)
    return result


def _note(part: object) -> None:
    sys.stderr.write(f"{json.dumps(part)}\n")


async def _session(card: Card, face: str, port: int, hop_s: float, audio: NDArray[np.int16]) -> list[float]:
    clock = Clock(audio)
    arrived = await FACES[face](port, hop_s, clock)
    return latencies_ms(last_samples(card, hop_s, len(audio)), clock, arrived)


def _peer(port: int, audio: NDArray[np.int16], hop_s: float = 0.5, window_s: float = 3.0) -> dict[str, float]:
    """The way without sessions: one whole independent request per hop, each for the last three seconds."""
    found = []
    query = {"cache": "bypass"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for end in range(round(window_s * RATE_HZ), len(audio), round(hop_s * RATE_HZ)):
            file = io.BytesIO()
            soundfile.write(file, audio[end - round(window_s * RATE_HZ) : end], RATE_HZ, format="WAV", subtype="PCM_16")
            began = time.perf_counter()
            client.post("/v1/tags", params=query, content=file.getvalue()).raise_for_status()
            found.append(1000 * (time.perf_counter() - began))
            time.sleep(max(0.0, hop_s - (time.perf_counter() - began)))
    return _spread(found)


async def _stalled(process: int, port: int, minutes: float) -> dict[str, float]:
    """Memory of the gateway while a client sends as fast as it may and never reads."""
    silence = bytes(2 * RATE_HZ)
    before = peak = _resident_mb(process)
    sent = 0
    end = time.monotonic() + 60 * minutes
    url = f"ws://127.0.0.1:{port}/v1/listen"
    while time.monotonic() < end:  # the service ends a stalled session after half a minute
        async with connect(url, compression=None, max_queue=1, ping_interval=None, close_timeout=1) as socket:
            options = {"format": "pcm_s16le", "sample_rate_hz": RATE_HZ, "hop_s": 0.25, "top_k": "all"}
            await socket.send(json.dumps(options))
            while time.monotonic() < end and socket.close_code is None:
                try:
                    await asyncio.wait_for(socket.send(silence), 1)
                    sent += len(silence)
                except TimeoutError:
                    pass
                except Exception:  # noqa: BLE001 - the service has closed it
                    break
                peak = max(peak, _resident_mb(process))
            socket.transport.abort()  # a farewell would wait for a reader
    after = _resident_mb(process)
    return {"minutes": minutes, "before_mb": before, "peak_mb": peak, "after_mb": after, "sent_mb": sent / 2**20}


def _resident_mb(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def _spread(values: list[float]) -> dict[str, float]:
    low = {f"p{q}_ms": round(float(np.percentile(values, q)), 1) for q in (95, 99)}
    return {"answers": len(values), "median_ms": round(float(np.median(values)), 1), **low}


def _audio(seconds: float) -> NDArray[np.int16]:
    random = np.random.default_rng(3)
    samples: NDArray[np.int16] = random.integers(-8000, 8000, round(seconds * RATE_HZ)).astype(np.int16)
    return samples


@contextmanager
def _service(folder: Path) -> Iterator[tuple[int, int, int]]:
    environment = os.environ | {
        "SONOTYPE_MODELS": "musicnn-msd",
        "SONOTYPE_DATA_DIR": str(folder / "data"),
        "SONOTYPE_DEVICES": "cpu:1",
        "SONOTYPE_LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "sonotype", "serve", "--port", "0", "--grpc-port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101
        found = _LISTENS.search(process.stdout.readline())
        assert found is not None, "the service did not start"  # noqa: S101
        wait_ready(int(found[1]), "/readyz")
        try:
            yield process.pid, int(found[1]), int(found[2])
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
