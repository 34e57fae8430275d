"""Replace a model under a steady load, by loading it and by restarting the service; say what clients saw.

    python -m bench hotload [--per-s 50] [--phase-s 10] [--out FILE]

One worker, clips of three seconds (one patch of MusiCNN) that are never cached. Phases: before; a head is loaded, and
rolled back; the network is loaded, and rolled back; the service is restarted, as one would without hot loading.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from bench.hotload.load import Asked, Load
from bench.hotload.models import HEAD, NETWORK, write_head, write_network
from sonotype.core.settings import Settings

_READY_S = 120.0


@dataclass
class Phase:
    """A span of the load: from `begin` to `end` (s, monotonic); `act_s` is how long the change itself took."""

    name: str
    begin: float
    end: float
    act_s: float


class Server:
    """The real command on one port, with one worker."""

    def __init__(self, folder: Path, weights_dir: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "sonotype", "serve", "--port", str(self.port), "--grpc-port", "0"]
        self._environment = os.environ | {
            "SONOTYPE_MODEL_PATH": str(folder / "models"),
            "SONOTYPE_WEIGHTS_DIR": str(weights_dir),
            "SONOTYPE_MODELS": f"{NETWORK},{HEAD}",
            "SONOTYPE_DEFAULT_MODEL": NETWORK,
            "SONOTYPE_DATA_DIR": str(folder / "data"),
            "SONOTYPE_DEVICES": "cpu:1",
            "SONOTYPE_LOG_LEVEL": "warning",
        }
        self._log = (folder / "service.log").open("a")
        self._process = self._start()

    async def ready(self) -> None:
        """Wait until it answers."""
        async with httpx.AsyncClient(base_url=self.url, timeout=5) as client, asyncio.timeout(_READY_S):
            while True:
                try:
                    if (await client.get("/readyz")).status_code == 200:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.02)

    async def restart(self) -> None:
        """What one does without hot loading."""
        await asyncio.to_thread(self.stop)
        self._process = self._start()
        await self.ready()

    def stop(self) -> None:
        """Stop it as an orchestrator does."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    def resident_mb(self) -> float:
        """Memory of the service and its children (sum of resident sets)."""
        pids = [self._process.pid]
        pids += [int(p) for p in Path(f"/proc/{pids[0]}/task/{pids[0]}/children").read_text().split()]
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, env=self._environment, stdout=self._log, stderr=self._log)


async def measure(folder: Path, weights_dir: Path, per_s: float, phase_s: float) -> dict[str, Any]:
    """Run every phase. Returns what is printed and written."""
    models = folder / "models"
    write_network(models, "1", weights_dir)
    write_head(models, "1", weights_dir)
    server = Server(folder, weights_dir)
    memory: list[float] = []
    try:
        await server.ready()
        load, stop, phases = Load(server.url, (NETWORK, HEAD), per_s), asyncio.Event(), []
        asking = asyncio.create_task(load.run(stop))
        watching = asyncio.create_task(_watch_memory(server, memory))
        await asyncio.sleep(3)  # connections and caches are warm
        acts: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("before", _nothing),
            ("head: load", lambda: _post(server, f"{HEAD}/load")),
            ("head: rollback", lambda: _post(server, f"{HEAD}/rollback")),
            ("network: load", lambda: _post(server, f"{NETWORK}/load")),
            ("network: rollback", lambda: _post(server, f"{NETWORK}/rollback")),
            ("after", _nothing),
            ("restart", server.restart),
        ]
        for name, act in acts:
            if name == "restart":
                await asyncio.sleep(3)  # what is on its way belongs to the phase before
            if name == "head: load":
                write_head(models, "2", weights_dir)
            if name == "network: load":
                write_network(models, "2", weights_dir)
            phases.append(await _phase(name, act, phase_s))
            if name == "after":
                watching.cancel()
        stop.set()
        await asking
    finally:
        server.stop()
    rows = [_row(phase, load.asked) for phase in phases]
    return {"per_s": per_s, "rows": rows, "memory_mb": {"usual": round(np.median(memory)), "most": round(max(memory))}}


async def _phase(name: str, act: Callable[[], Awaitable[None]], phase_s: float) -> Phase:
    begin = time.monotonic()
    await act()
    act_s = time.monotonic() - begin
    await asyncio.sleep(max(0.0, phase_s - act_s) + (2.0 if act_s > phase_s else 0.0))
    return Phase(name, begin, time.monotonic(), act_s)


async def _nothing() -> None:
    """Nothing happens: what is usual."""


async def _post(server: Server, path: str) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=120) as client:
        answer = await client.post(f"/v1/models/{path}")
        if answer.is_error:
            raise RuntimeError(f"{path}: {answer.text}")


async def _watch_memory(server: Server, found: list[float]) -> None:
    while True:
        found.append(server.resident_mb())
        await asyncio.sleep(0.1)


def _row(phase: Phase, asked: list[Asked]) -> dict[str, Any]:
    mine = [it for it in asked if phase.begin <= it.at < phase.end]
    good = [it.seconds * 1000 for it in mine if not it.failure]
    p50, p95, p99 = (float(np.percentile(good, q)) if good else float("nan") for q in (50, 95, 99))
    return {
        "phase": phase.name,
        "change_s": round(phase.act_s, 2),
        "requests": len(mine),
        "failed": sum(bool(it.failure) for it in mine),
        "failures": sorted({it.failure for it in mine if it.failure}),
        "models": sorted({name for it in mine for name in it.models}),
        "p50_ms": round(p50, 1),
        "p95_ms": round(p95, 1),
        "p99_ms": round(p99, 1),
        "max_ms": round(max(good, default=float("nan")), 1),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-s", type=float, default=50.0)
    parser.add_argument("--phase-s", type=float, default=10.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder), Settings().weights_dir, options.per_s, options.phase_s))
    print("| phase | change | requests | failed | p50 | p95 | p99 | max |")
    print("|---|---|---|---|---|---|---|---|")
    for row in found["rows"]:
        numbers = " | ".join(f"{row[key]:.0f} ms" for key in ("p50_ms", "p95_ms", "p99_ms", "max_ms"))
        what = f"{row['phase']} | {row['change_s']} s | {row['requests']} | {row['failed']}"
        print(f"| {what} | {numbers} |")
    print(f"memory: {found['memory_mb']}; failures: {[row['failures'] for row in found['rows'] if row['failures']]}")
    print(f"models: {[row['models'] for row in found['rows']]}")
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
