"""A service on a folder with a small catalogue of known vectors, and what must be so of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from harness import Served, serve

DIM = 16
SOUGHT = 25  # tracks that are sought in a whole catalogue
TUNED = (str(Path(__file__).with_name("tuned_serve.py")),)


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[tuple[Served, httpx.Client]]:
    """The service with the fake model, its catalogue open; its index uses a graph from a hundred tracks on."""
    chosen = {"models": "fake", "program": TUNED, "default_model": "fake", "catalog_embedding": "fake@vector"}
    chosen |= {"devices": "cpu:1", "decode_workers": 1}
    with serve(folder, **{**chosen, **settings}) as service:
        service.wait_until(lambda client: client.get("/readyz").json()["catalog"] in ("ok", "degraded"), 240)
        with httpx.Client(base_url=service.url, timeout=120) as client:
            yield service, client


def vector(number: int) -> list[float]:
    direction = np.random.default_rng(number).standard_normal(DIM)
    return [round(float(x), 6) for x in direction / np.linalg.norm(direction)]


def put(client: httpx.Client, number: int, **metadata: Any) -> httpx.Response:
    return client.put(f"/v1/tracks/t{number}", json={"metadata": metadata, "embedding": vector(number)})


def search(client: httpx.Client, number: int, exact: bool = False) -> dict[str, Any]:
    body = {"seeds": [{"embedding": vector(number)}], "k": 2, "exact": exact}
    answer = client.post("/v1/similar", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def check_all(client: httpx.Client, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Each of the tracks, and no other, is listed once, and some are found by their vector; the searches' answers."""
    listed, params = [], {"limit": 200}
    while params:
        page = client.get("/v1/tracks", params=params).json()
        listed += [track["id"] for track in page["tracks"]]
        params = {"limit": 200, "cursor": page["cursor"]} if page["cursor"] else {}
    assert sorted(listed) == sorted(f"t{number}" for number in numbers)
    answers = []
    for number in {*numbers[:: max(1, len(numbers) // SOUGHT)], numbers[-1]}:
        for exact in (False, True):
            answers.append(search(client, number, exact))
            best = answers[-1]["matches"][0]
            assert (best["track"]["id"], round(best["similarity"], 4)) == (f"t{number}", 1)
    return answers


def generation(client: httpx.Client) -> dict[str, Any]:
    (one,) = client.get("/v1/catalog").json()["generations"]
    found: dict[str, Any] = one
    return found
