"""An open loop: requests leave at their times, whether the answers before have come or not."""

from __future__ import annotations

import asyncio
import io
import time
from dataclasses import dataclass, field

import httpx
import numpy as np
import soundfile

RATE_HZ = 16000


@dataclass
class Asked:
    """One request: when it should have left (s, monotonic), how long until its answer, and what came."""

    at: float
    seconds: float
    models: tuple[str, ...] = ()
    failure: str = ""


@dataclass
class Load:
    """Asks `url` for the tags of ever new clips, `per_s` times a second."""

    url: str
    models: tuple[str, ...]
    per_s: float
    asked: list[Asked] = field(default_factory=list)

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until told to stop, then wait for what is on its way."""
        clips = _clips(64)
        began, number = time.monotonic(), 0
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        async with (
            httpx.AsyncClient(base_url=self.url, timeout=60, limits=limits) as client,
            asyncio.TaskGroup() as all_,
        ):
            while not stop.is_set():
                due = began + number / self.per_s
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                all_.create_task(self._ask(client, clips[number % len(clips)], due))
                number += 1

    async def _ask(self, client: httpx.AsyncClient, clip: bytes, due: float) -> None:
        params = {"model": list(self.models), "cache": "bypass"}
        headers = {"Content-Type": "audio/wav"}
        try:
            answer = await client.post("/v1/tags", params=params, content=clip, headers=headers)
            failure = "" if answer.is_success else f"HTTP {answer.status_code} {_code(answer)}"
            models = tuple(result["model"] for result in answer.json()["results"]) if not failure else ()
        except httpx.HTTPError as error:
            models, failure = (), type(error).__name__
        self.asked.append(Asked(due, time.monotonic() - due, models, failure))


def _code(answer: httpx.Response) -> str:
    """Why a request was refused: which of the reasons for a 503, say."""
    try:
        problem = answer.json()
    except ValueError:
        return "without a problem document"
    return f"{problem.get('code')}: {problem.get('detail')}"


def _clips(count: int) -> list[bytes]:
    """WAVs of three seconds: one patch of MusiCNN."""
    made = []
    for seed in range(count):
        samples = np.random.default_rng(seed).uniform(-0.3, 0.3, 3 * RATE_HZ)
        file = io.BytesIO()
        soundfile.write(file, samples, RATE_HZ, format="WAV", subtype="PCM_16")
        made.append(file.getvalue())
    return made
