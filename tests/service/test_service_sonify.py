"""Prototype models on the real command: a lane of its own, accidents of its process, renderings that survive."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness import MODELS, Served, serve
from prototype_models import SEGMENT_SAMPLES, class_wav, make_model

BINARY = {"Content-Type": "application/octet-stream"}
HEADER_BYTES, SEGMENT_BYTES = 44, 2 * SEGMENT_SAMPLES
POINTS = 5
PATH = {"path": {"from_label": "flute", "to_label": "piano", "points": POINTS}}
DELAY_MS = 250  # of each of the two blocks of a segment
N_RENDERINGS = 3 * 2 * 3  # prototypes, kinds, seeds
RESTARTS = 'sonotype_sonify_restarts_total{why="crash"}'
CANCELLED = 'sonotype_sonifications_total{lane="interactive",outcome="cancelled"}'
MADE = 'sonotype_renderings_total{source="made"}'
TAKEN = 'sonotype_sonify_duration_seconds_count{phase="queue"}'
RUNNING = 'sonotype_requests_in_flight{route="/v1/sonify"}'


def options(folder: Path, **changes: Any) -> dict[str, Any]:
    repository = folder / "models"
    if not repository.exists():
        repository.mkdir()
        make_model(repository, name="quick", per_class=1)
        make_model(repository, name="slow", delay_ms=DELAY_MS)
        make_model(repository, name="twin")
        make_model(repository, name="broken")
        (repository / "broken" / "prototypes.safetensors").unlink()
    chosen = {"models": "", "model_path": f"{MODELS},{repository}", "weights_dir": folder / "weights"}
    return {**chosen, "sonify_warm": False, "sonify_threads": 1, "sonify_queue": 3, **changes}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("prototypes")
    with serve(folder, **options(folder)) as service:
        service.wait_ready()
        yield service


def analyze(served: Served, audio: bytes, *models: str) -> httpx.Response:
    params = {"model": list(models)}
    return httpx.post(f"{served.url}/v1/analyze", params=params, content=audio, headers=BINARY, timeout=60)


def sonify(served: Served, model: str = "quick", **body: Any) -> httpx.Response:
    asked = {"model": model, "embedding": [0.1] * 16} | body
    return httpx.post(f"{served.url}/v1/sonify", json=asked, timeout=60)


def stream(served: Served) -> Any:
    return httpx.stream("POST", f"{served.url}/v1/sonify", json={"model": "slow", **PATH}, timeout=60)


def test_every_model_that_can_be_served_is_and_problems_are_said(served: Served) -> None:
    models = {model["name"]: model["served"] for model in httpx.get(f"{served.url}/v1/models").json()["models"]}
    assert {name for name, is_served in models.items() if is_served} >= {"fake", "quick", "slow", "twin"}
    assert models["broken"] is False
    assert "broken" in httpx.get(f"{served.url}/readyz").text
    assert analyze(served, class_wav(0), "broken").status_code == 404
    assert analyze(served, class_wav(0)).json()["results"][0]["model"] == "fake@1", "the default has not changed"


def test_the_gateway_never_loads_torch_and_the_lane_has_a_low_priority(served: Served) -> None:
    assert analyze(served, class_wav(0), "quick").status_code == 200
    assert len(sonify(served).content) == HEADER_BYTES + SEGMENT_BYTES
    maps = Path(f"/proc/{served.process.pid}/maps").read_text()
    for library in ("torch", "openvino", "sklearn"):
        assert library not in maps
    (pid,) = served.sonify_pids()
    gateway = os.getpriority(os.PRIO_PROCESS, served.process.pid)
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, gateway + 10)


def test_two_heads_and_their_network_cost_one_pass(served: Served) -> None:
    before = served.metric('sonotype_batch_items_sum{model="fake@1"}')
    answer = analyze(served, class_wav(1, 4.0, seed=1), "quick", "twin", "fake").json()
    assert [result["model"] for result in answer["results"]] == ["quick@1", "twin@1", "fake@1"]
    assert served.metric('sonotype_batch_items_sum{model="fake@1"}') - before == 4
    reasons = answer["results"][0]["reasons"]["labels"][0]
    shares = sum(share["evidence"] for share in [*reasons["for"], *reasons["against"]])
    assert reasons["baseline"] + shares + reasons["rest"] == pytest.approx(reasons["logit"], abs=1e-5)


def test_analysis_does_not_wait_for_sonification(served: Served) -> None:
    assert sonify(served).status_code == 200  # the process is up
    events: list[str] = []
    begun = threading.Event()

    def listen() -> None:
        with stream(served) as answer:
            begun.set()  # the other blocks are still to come
            assert sum(len(chunk) for chunk in answer.iter_bytes()) == HEADER_BYTES + POINTS * SEGMENT_BYTES
        events.append("sonified")

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(listen)
        assert begun.wait(30)
        _signal(served, signal.SIGSTOP)  # it sleeps in the middle of a stream
        for seed in range(3):
            assert analyze(served, class_wav(1, 2.0, seed=100 + seed), "quick", "fake").status_code == 200
            events.append("analysed")
        _signal(served, signal.SIGCONT)
        done.result()
    assert events == ["analysed"] * 3 + ["sonified"]


def test_a_full_lane_refuses_with_a_time_to_come_again(served: Served) -> None:
    assert sonify(served).status_code == 200
    _signal(served, signal.SIGSTOP)
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(sonify, served) for _ in range(8)]
        early = list(itertools.islice(as_completed(asked), 5))
        _signal(served, signal.SIGCONT)
        answers = [future.result() for future in early]
        late = [future.result().status_code for future in asked if future not in early]
    assert ([answer.status_code for answer in answers], late) == ([503] * 5, [200] * 3)
    assert answers[0].json()["code"] == "overloaded"
    assert int(answers[0].headers["retry-after"]) > 0


@pytest.mark.chaos
def test_clients_who_leave_leak_nothing(served: Served) -> None:
    assert sonify(served).status_code == 200
    served.wait_until(lambda _: served.metric(RUNNING) == 0)
    files, cancelled, pids = _open_files(served), served.metric(CANCELLED), served.sonify_pids()
    for _ in range(6):  # twice what the queue holds
        with stream(served) as answer:
            assert len(next(answer.iter_raw())) > 0
    assert sonify(served).status_code == 200, "the next one is served at once"
    served.wait_until(lambda _: served.metric(CANCELLED) - cancelled == 6)
    served.wait_until(lambda _: served.metric(RUNNING) == 0)
    served.wait_until(lambda _: _open_files(served) <= files)
    assert served.metric("sonotype_sonify_queue_depth") == 0
    assert served.sonify_pids() == pids, "no process was lost"


@pytest.mark.chaos
def test_a_crash_breaks_off_one_answer_and_costs_no_analysis(served: Served) -> None:
    assert sonify(served).status_code == 200
    before = served.metric(RESTARTS)

    def listen_and_kill() -> None:
        with stream(served) as answer:
            for _ in answer.iter_raw():
                _signal(served, signal.SIGKILL)

    with pytest.raises(httpx.RemoteProtocolError):
        listen_and_kill()
    assert analyze(served, class_wav(1, 2.0, seed=300), "quick").status_code == 200
    assert sonify(served).status_code == 200
    assert served.metric(RESTARTS) - before == 1


@pytest.mark.chaos
def test_a_crash_before_the_first_byte_is_a_problem(served: Served) -> None:
    assert sonify(served).status_code == 200
    taken = served.metric(TAKEN)
    _signal(served, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(sonify, served)
        served.wait_until(lambda _: served.metric(TAKEN) == taken + 1)
        _signal(served, signal.SIGKILL)
        answer = waiting.result()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "retry-after" in answer.headers


def test_renderings_are_made_while_idle_and_survive_a_restart(tmp_path: Path) -> None:
    chosen = options(tmp_path, models="quick", sonify_warm=True, data_dir=tmp_path / "data")
    url, params = "/v1/prototypes/quick.piano.0/audio", {"format": "flac"}
    with serve(tmp_path, **chosen) as service:
        service.wait_until(lambda _: service.metric(MADE) == N_RENDERINGS, 60)
        first = service.client().get(url, params=params)
        assert service.stop() == 0
    with serve(tmp_path, **chosen) as service:
        client = service.client()
        again = client.get(url, params=params)
        assert (again.headers["etag"], again.content) == (first.headers["etag"], first.content)
        took_s = []
        for _ in range(20):
            began = time.perf_counter()
            assert client.get(url, params=params).status_code == 200
            took_s.append(time.perf_counter() - began)
        assert min(took_s) < 0.01
        assert service.metric(MADE) == 0
        assert service.stop() == 0


def test_a_stream_is_heard_to_its_end_when_the_service_drains(tmp_path: Path) -> None:
    with serve(tmp_path, **options(tmp_path, models="slow", data_dir=tmp_path / "data")) as service:
        service.wait_ready()
        with stream(service) as answer:
            chunks = answer.iter_bytes()
            received = len(next(chunks))
            service.process.send_signal(signal.SIGTERM)
            received += sum(len(chunk) for chunk in chunks)
        assert received == HEADER_BYTES + POINTS * SEGMENT_BYTES
        (pid,) = service.sonify_pids() or [0]
        assert service.stop() == 0
        assert not pid or not Path(f"/proc/{pid}").exists()


def _signal(served: Served, number: signal.Signals) -> None:
    for pid in served.sonify_pids():
        os.kill(pid, number)


def _open_files(served: Served) -> int:
    return len(os.listdir(f"/proc/{served.process.pid}/fd"))
