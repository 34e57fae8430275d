"""A lost Redis costs milliseconds and no answers (case 33), seen from outside."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from harness import Served, serve, tone
from redis_server import free_port, running_redis


def ask(service: Served, seed: int) -> tuple[dict[str, object], float]:
    began = time.monotonic()
    answer = httpx.post(f"{service.url}/v1/tags", params={"model": "fake"}, content=tone(1, seed), timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"][0], time.monotonic() - began


def test_answers_go_on_without_redis_and_are_shared_with_it(tmp_path: Path) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with serve(first, redis_url=url) as service, serve(second, redis_url=url) as other:
        service.wait_ready()
        other.wait_ready()
        with running_redis(tmp_path, port=port):
            assert ask(service, 1)[0]["cached"] is False
            other.wait_until(lambda _: ask(other, 1)[0]["cached"] is True)
        for seed in range(2, 12):
            result, seconds = ask(service, seed)
            assert result["cached"] is False
            assert seconds < 2, "an answer must not wait for a Redis that is gone"
        assert ask(service, 5)[0]["cached"] is True, "this process still remembers"
        with running_redis(tmp_path, port=port):
            service.wait_until(lambda client: client.get("/readyz").json()["cache"] == "ok", 15)
