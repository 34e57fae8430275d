"""Run the real command `sonotype serve` as a user would, on free ports and with folders of its own."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import soundfile

MODELS = Path(__file__).parent / "data" / "models"
_LISTENS = re.compile(r"REST http://localhost:(\d+) .*gRPC localhost:(\d+)")
RATE_HZ = 16000


@dataclass
class Served:
    """A running service."""

    process: subprocess.Popen[str]
    port: int
    grpc_port: int
    log: Path
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, **options: object) -> httpx.Client:
        client = httpx.Client(base_url=self.url, timeout=60, **options)
        self.clients.append(client)
        return client

    def wait_ready(self, timeout_s: float = 90) -> None:
        self.wait_until(lambda client: client.get("/readyz").status_code == 200, timeout_s)

    def wait_until(self, test: object, timeout_s: float = 15) -> None:
        end = time.monotonic() + timeout_s
        with httpx.Client(base_url=self.url, timeout=30) as client:
            while not test(client):
                assert time.monotonic() < end, f"waited {timeout_s} s in vain; log:\n{self.log.read_text()[-4000:]}"
                time.sleep(0.02)

    def metric(self, name: str) -> float:
        """Sum over the samples of a metric; `name` may hold labels like `x_total{why="crash"}`."""
        text = httpx.get(f"{self.url}/metrics", timeout=10).text
        base, _, labels = name.partition("{")
        wanted = labels.rstrip("}").split(",") if labels else []
        total = 0.0
        for line in text.splitlines():
            head, _, value = line.rpartition(" ")
            if head.partition("{")[0] == base and all(label in head for label in wanted):
                total += float(value)
        return total

    def worker_pids(self) -> list[int]:
        return _children(self.process.pid, "sonotype.serving.workers.child")

    def decoder_pids(self) -> list[int]:
        return _children(self.process.pid, "sonotype.audio.child")

    def sonify_pids(self) -> list[int]:
        return _children(self.process.pid, "sonotype.serving.sonify.child")

    def stop(self) -> int:
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(45)


def _children(parent: int, module: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_text().split("\0")
            if int(fields[1]) == parent and module in command and fields[0] != "Z":
                found.append(int(entry.name))
    return sorted(found)


@contextlib.contextmanager
def serve(
    folder: Path,
    *,
    models: str = "fake,fake-chaos",
    program: Sequence[str] = ("-m", "sonotype"),
    own_group: bool = False,
    **settings: object,
) -> Iterator[Served]:
    """The service with the fake models; `settings` are settings by their lower-case names.

    `program` is what Python runs; with `own_group` a signal to the group of the process reaches its children too.
    """
    environment = os.environ | {
        "SONOTYPE_MODEL_PATH": str(MODELS),
        "SONOTYPE_MODELS": models,
        "SONOTYPE_DATA_DIR": str(folder / "data"),
        "SONOTYPE_DEVICES": "cpu:2",
        "SONOTYPE_LOG_FORMAT": "json",
    }
    environment |= {f"SONOTYPE_{name.upper()}": str(value) for name, value in settings.items()}
    log = folder / "service.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, *program, "serve", "--port", "0", "--grpc-port", "0"],
            env=environment,
            start_new_session=own_group,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    with process.stdout:
        found = _LISTENS.search(process.stdout.readline())
        assert found, log.read_text()
        served = Served(process, int(found[1]), int(found[2]), log)
        try:
            yield served
        finally:
            for client in served.clients:
                client.close()
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(40)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def tone(seconds: float, seed: int = 0, trigger: float | None = None) -> bytes:
    """A WAV of quiet noise, different for each seed; `trigger` puts one telling sample in its middle."""
    random = np.random.default_rng(seed)
    samples = (random.uniform(-0.3, 0.3, round(seconds * RATE_HZ)) * 32767).astype(np.int16)
    if trigger is not None:
        samples[len(samples) // 2] = round(trigger * 32768)
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()
