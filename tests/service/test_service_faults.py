"""The whole service under fire: real processes, real sockets, fake models (numbers as in the list of failure cases)."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from harness import Served, serve, tone
from sonotype.models.runtime.fake import DIE, HANG, NAN, RAISE

BINARY = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("service"), worker_batch_timeout_s=3) as service:
        service.wait_ready()
        yield service


def analyze(served: Served, audio: bytes, **params: object) -> httpx.Response:
    return httpx.post(f"{served.url}/v1/analyze", params=params, content=audio, headers=BINARY, timeout=60)


def test_answer_states_everything(served: Served) -> None:
    answer = analyze(served, tone(3.5, 1), model="fake", timeline=True, embeddings="vector")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    result = body["results"][0]
    assert body["clip"]["duration_s"] == pytest.approx(3.5)
    assert body["clip"]["format"] == "wav"
    assert result["model"] == "fake@1"
    assert result["patches"]["count"] == 3
    assert result["patches"]["dropped_s"] == pytest.approx(0.5)
    assert [tag["score"] for tag in result["tags"]] == sorted((t["score"] for t in result["tags"]), reverse=True)
    assert len(result["timeline"]["scores"]) == 3
    assert len(result["embeddings"][0]["values"]) == 16
    assert "decode" in answer.headers["server-timing"]
    assert answer.headers["x-request-id"] == body["request_id"]


def test_second_answer_comes_from_the_cache_and_is_equal(served: Served) -> None:
    first, second = (analyze(served, tone(2, 2), model="fake", timeline=True).json() for _ in range(2))
    assert [first["results"][0].pop("cached"), second["results"][0].pop("cached")] == [False, True]
    assert first["results"] == second["results"]
    assert first["clip"] == second["clip"]


def test_two_models_one_clip_and_two_clips_of_one_length_do_not_mix(served: Served) -> None:  # case 35
    a, b = tone(2, 3), tone(2, 4)
    both = analyze(served, a, model=["fake", "fake-chaos"]).json()["results"]
    assert [result["model"] for result in both] == ["fake@1", "fake-chaos@1"]
    assert both[0]["model_sha256"] != both[1]["model_sha256"]
    tags_a = analyze(served, a, model="fake").json()["results"][0]["tags"]
    tags_b = analyze(served, b, model="fake").json()["results"][0]["tags"]
    assert tags_a == both[0]["tags"]
    assert tags_a != tags_b


async def test_hundred_equal_uploads_are_computed_once(served: Served) -> None:  # case 25
    audio = tone(30, 5)
    before = served.metric("sonotype_decoded_audio_seconds_total")
    async with httpx.AsyncClient(base_url=served.url, timeout=60, limits=httpx.Limits(max_connections=100)) as client:
        leader = asyncio.create_task(
            client.post("/v1/analyze", content=audio, headers=BINARY, params={"model": "fake"})
        )
        others = [
            asyncio.create_task(client.post("/v1/analyze", content=audio, headers=BINARY, params={"model": "fake"}))
            for _ in range(99)
        ]
        await asyncio.sleep(0.01)
        leader.cancel()  # the one that came first leaves: the others are answered all the same
        answers = await asyncio.gather(*others)
    assert {answer.status_code for answer in answers} == {200}
    assert len({str(answer.json()["results"][0]["tags"]) for answer in answers}) == 1
    assert served.metric("sonotype_decoded_audio_seconds_total") - before == pytest.approx(30, abs=0.1)


def test_one_bad_clip_among_sixteen(served: Served) -> None:  # case 21
    clips = [tone(2, 100 + i, RAISE if i == 7 else None) for i in range(16)]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda clip: analyze(served, clip, model="fake-chaos"), clips))
    assert [answer.status_code for answer in answers] == [422 if i == 7 else 200 for i in range(16)]
    assert answers[7].json()["code"] == "item_failed"


def test_nan_from_the_model_is_an_error_and_never_cached(served: Served) -> None:
    clip = tone(2, 200, NAN)
    answers = [analyze(served, clip, model="fake-chaos") for _ in range(2)]
    assert [answer.json()["code"] for answer in answers] == ["item_failed"] * 2


def test_poison_dies_twice_at_most_then_is_quarantined(served: Served) -> None:  # case 27
    before = served.metric('sonotype_worker_restarts_total{why="crash"}')
    poison = tone(2, 300, DIE)
    first = analyze(served, poison, model="fake-chaos")
    again = analyze(served, poison, model="fake-chaos")
    other = analyze(served, tone(2, 301), model="fake-chaos")
    assert [first.status_code, first.json()["code"]] == [422, "quarantined"]
    assert [again.status_code, again.json()["code"]] == [422, "quarantined"]
    assert other.status_code == 200
    assert served.metric('sonotype_worker_restarts_total{why="crash"}') - before <= 2
    assert analyze(served, poison, model="fake").status_code == 200, "another model may still try"


def test_hang_is_killed_at_its_deadline(served: Served) -> None:  # case 28
    began = time.monotonic()
    answer = analyze(served, tone(2, 400, HANG), model="fake-chaos")
    assert answer.status_code == 504
    assert time.monotonic() - began < 30, "its batch's time was up long before its own"
    served.wait_until(lambda client: client.get("/readyz").json()["workers_up"] == 2)
    assert analyze(served, tone(2, 401), model="fake-chaos").status_code == 200


def test_killed_worker_costs_no_answer(tmp_path: Path) -> None:  # case 26
    options = "delay_ms_per_patch = 30"
    card = (Path(__file__).parents[1] / "data/models/fake/card.toml").read_text()
    folder = tmp_path / "models" / "slow"
    folder.mkdir(parents=True)
    text = card.replace('name = "fake"', 'name = "slow"').replace("triggers = false", options)
    (folder / "card.toml").write_text(text)
    with serve(tmp_path, models="slow", model_path=folder.parent) as service:
        service.wait_ready()
        with ThreadPoolExecutor(4) as threads:
            answers = [threads.submit(analyze, service, tone(20, i)) for i in range(4)]
            time.sleep(0.6)
            os.kill(service.worker_pids()[0], signal.SIGKILL)
            assert httpx.get(f"{service.url}/readyz").status_code == 200, "one worker is left"
            assert [answer.result().status_code for answer in answers] == [200] * 4
        assert service.metric("sonotype_worker_restarts_total") == 1
        for pid in service.worker_pids():
            os.kill(pid, signal.SIGKILL)
        service.wait_until(lambda client: client.get("/readyz").status_code == 503, 30)
        service.wait_ready()


def test_sigterm_under_load_loses_nothing(tmp_path: Path) -> None:  # case 32
    """What the service has seen is answered; who got no answer was refused, or closed before a byte was read."""
    unanswered: list[str] = []
    first_answers = threading.Barrier(9)
    with serve(tmp_path, models="fake") as service:
        service.wait_ready()

        def many(worker: int) -> list[int]:
            codes = []
            for i in range(200):
                name = f"sigterm-{worker}-{i}"
                headers = {**BINARY, "X-Request-Id": name}
                audio = tone(5, worker * 1000 + i)
                try:
                    answer = httpx.post(f"{service.url}/v1/analyze", content=audio, headers=headers, timeout=60)
                except httpx.TransportError:
                    unanswered.append(name)
                    break
                codes.append(answer.status_code)
                if i == 0:
                    first_answers.wait(120)
            return codes

        with ThreadPoolExecutor(8) as threads:
            running = [threads.submit(many, i) for i in range(8)]
            first_answers.wait(120)
            time.sleep(0.2)  # into the midst of the next ones
            service.process.send_signal(signal.SIGTERM)
            service.process.send_signal(signal.SIGTERM)
            codes = [code for codes in running for code in codes.result()]
        assert set(codes) <= {200, 503}
        assert codes.count(200) >= 8
        assert service.process.wait(35) == 0
    log = service.log.read_text()
    assert "sigterm-0-0" in log, "requests are logged under their ids"
    assert not [name for name in unanswered if f'"{name}"' in log]


def test_sigterm_while_models_load(tmp_path: Path) -> None:  # case 32
    with serve(tmp_path, models="fake") as service:
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(35) == 0


def test_children_die_with_a_killed_gateway(tmp_path: Path) -> None:
    with serve(tmp_path, models="fake") as service:
        service.wait_ready()
        pids = service.worker_pids() + service.decoder_pids()
        assert len(pids) >= 3
        service.process.kill()
        service.process.wait()
        end = time.monotonic() + 30
        while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < end:
            time.sleep(0.05)
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_gateway_imports_no_torch(tmp_path: Path) -> None:
    with serve(tmp_path, models="fake") as service:
        service.wait_ready()
        maps = Path(f"/proc/{service.process.pid}/maps").read_text()
        assert "libtorch" not in maps
        assert "openvino" not in maps
