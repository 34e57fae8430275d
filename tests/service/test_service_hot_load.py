"""The running service loads, rolls back and unloads while many clients ask it: nobody sees a failure."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from harness import Served, serve, tone
from sonotype.cli.app import app as command_line
from versions_kit import write_head, write_network

BINARY = {"Content-Type": "audio/wav"}
CLIENTS = 8
PER_S = 50


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Served]:
    """Version 1 of a network and of a head on it; what comes later lies aside, ready to be moved in."""
    models = tmp_path / "models"
    write_head(models, "1", write_network(models, "1"))
    with serve(
        tmp_path, models="net,taste", model_path=models, default_model="net", devices="cpu:1", decode_workers=2
    ) as running:
        running.wait_ready()
        yield running


class Crowd:
    """Clients that ask at a steady rate, as far as the machine allows."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._asking = True
        self._lock = threading.Lock()
        self.failures: list[str] = []
        self.models: Counter[str] = Counter()

    def ask(self, number: int) -> None:
        with httpx.Client(base_url=self._url, timeout=60, headers=BINARY) as client:
            at, seed = time.monotonic(), number
            while self._asking:
                seed += CLIENTS
                self._one(client, tone(1, seed))
                at = max(at + CLIENTS / PER_S, time.monotonic() - 1)
                time.sleep(max(0.0, at - time.monotonic()))

    def wait_for(self, model: str, count: int = 20) -> None:
        """Until so many more answers are of a model."""
        wanted, end = self.models[model] + count, time.monotonic() + 60
        while self.models[model] < wanted:
            assert not self.failures
            assert time.monotonic() < end, f"no answers by {model}: {self.models}, {self.failures[:3]}"
            time.sleep(0.02)

    def stop(self) -> None:
        self._asking = False

    def _one(self, client: httpx.Client, audio: bytes) -> None:
        try:
            answer = client.post("/v1/analyze", params={"model": ["net", "taste"]}, content=audio)
            names = [result["model"] for result in answer.json()["results"]] if answer.is_success else []
        except httpx.HTTPError as error:
            names, fault = [], repr(error)
        else:
            fault = answer.text[:300]
        with self._lock:
            self.models.update(names)
            if len(names) != 2:
                self.failures.append(fault)


@contextmanager
def crowd(service: Served) -> Iterator[Crowd]:
    asking = Crowd(service.url)
    with ThreadPoolExecutor(CLIENTS) as threads:
        running = [threads.submit(asking.ask, number) for number in range(CLIENTS)]
        try:
            yield asking
        finally:
            asking.stop()
    for future in running:
        future.result()
    assert asking.failures == []


def sonotype(service: Served, *words: str) -> str:
    outcome = CliRunner().invoke(command_line, ["models", *words, "--server", service.url])
    assert outcome.exit_code == 0, outcome.output
    return outcome.output.strip()


def test_a_head_is_loaded_and_rolled_back_under_load(service: Served, tmp_path: Path) -> None:
    workers = service.worker_pids()
    with crowd(service) as asking:
        asking.wait_for("taste@1")
        write_head(tmp_path / "models", "2", write_network(tmp_path / "aside", "1"))
        body = service.client().post("/v1/models/taste/load").json()
        assert (body["version"], body["previous"], body["served"]) == ("2", "1", True)
        asking.wait_for("taste@2")
        assert sonotype(service, "rollback", "taste") == "taste@1 is served now, instead of version 2"
        asking.wait_for("taste@1")
    assert set(asking.models) == {"net@1", "taste@1", "taste@2"}
    assert service.worker_pids() == workers


def test_a_network_is_loaded_and_rolled_back_under_load(service: Served, tmp_path: Path) -> None:
    with crowd(service) as asking:
        asking.wait_for("net@1")
        write_head(tmp_path / "models", "2", write_network(tmp_path / "models", "2"))
        assert sonotype(service, "load", "net") == "net@2 is served now, instead of version 1"
        asking.wait_for("net@2")
        body = service.client().post("/v1/models/net/rollback").json()
        assert (body["version"], body["previous"]) == ("1", "2")
        asking.wait_for("net@1")
    assert set(asking.models) == {"net@1", "net@2", "taste@1", "taste@2"}
    service.wait_until(lambda _: len(service.worker_pids()) == 1, 30)
    assert service.metric("sonotype_lineups") == 1
    assert service.metric("sonotype_worker_up") == 1
    assert service.metric('sonotype_model_changes_total{outcome="done"}') == 2
    assert service.metric("sonotype_model_info") == 2
    assert service.metric('sonotype_model_info{model="taste",version="1"}') == 1
