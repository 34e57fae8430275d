"""Real worker processes around the fake model, for the tests of the hot path."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sonotype.core.types import Floats, Lane, Window
from sonotype.models.card import Card, read_card
from sonotype.models.card_parts import NetworkSpec
from sonotype.models.runtime.fake import TRIGGERS, FakeRuntime
from sonotype.serving.batcher import Batcher, ItemSpec
from sonotype.serving.devices import Device
from sonotype.serving.workers.pool import WorkerPool
from sonotype.serving.workers.served import ServedModel
from sonotype.telemetry import metrics

HERE = Path(__file__).parent
REPOSITORY = HERE.parent / "data" / "models"
SAMPLES = 16000


def fake_card(name: str = "fake-chaos", **options: Any) -> Card:
    card = read_card(REPOSITORY / name / "card.toml")
    network = NetworkSpec(family="fake", options={**card.network.options, **options})
    return card.model_copy(update={"network": network})


def make_pool(
    card: Card | None = None,
    *,
    workers: int = 1,
    rows: int = 8,
    loader: str | None = None,
    engine: str = "auto",
    **options: Any,
) -> WorkerPool:
    extra: dict[str, Any] = {"loader": loader} if loader else {}
    path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH", "")]))
    return WorkerPool(
        [ServedModel(card or fake_card(), engine=engine)],
        (Device("cpu", rows),) * workers,
        environment={"PYTHONPATH": path},
        **{"batch_timeout_s": 20.0, **extra, **options},
    )


@asynccontextmanager
async def serving(pool: WorkerPool, *, all_up: bool = True, **options: Any) -> AsyncIterator[Batcher]:
    batcher = Batcher(pool, **options)
    await batcher.start()
    try:
        await batcher.wait_ready(60)
        while all_up and batcher.workers_up < batcher.workers_wanted:
            await asyncio.sleep(0.01)
        yield batcher
    finally:
        await batcher.aclose()
        assert len(batcher.queues) == 0
        assert batcher.queued_audio_s == 0


def windows(seed: int, n: int, trigger: str | None = None, at: int = 0) -> list[Window]:
    rng = np.random.default_rng(seed)
    made = [Window(i, rng.uniform(-0.3, 0.3, SAMPLES).astype(np.float32), 100) for i in range(n)]
    if trigger is not None:
        made[at].samples[17] = TRIGGERS[trigger]
    return made


def spec(name: str, *, lane: Lane = Lane.INTERACTIVE, timeout_s: float = 30.0, **changes: Any) -> ItemSpec:
    values: dict[str, Any] = {
        "item_id": name,
        "model": "fake-chaos@1",
        "frontend": "plain",
        "sha256": hashlib.sha256(name.encode()).hexdigest(),
        "lane": lane,
        "deadline": time.monotonic() + timeout_s,
    }
    return ItemSpec(**{**values, **changes})


async def ask(batcher: Batcher, item: ItemSpec, rows: list[Window]) -> dict[str, Floats]:
    async with batcher.open(item) as handle:
        for window in rows:
            await handle.put(window)
        return await handle.result(len(rows))


def expected(rows: list[Window]) -> dict[str, Floats]:
    runtime = FakeRuntime(fake_card())
    samples = np.stack([window.samples for window in rows])
    return dict(runtime.run(samples, np.full(len(rows), 100), "repeat", "plain").arrays)


def assert_answer(outputs: dict[str, Floats], rows: list[Window]) -> None:
    for name, array in expected(rows).items():
        np.testing.assert_array_equal(outputs[name], array)


def counter(name: str, **labels: str) -> float:
    return metrics_registry().get_sample_value(name, labels) or 0.0


def metrics_registry() -> Any:
    from prometheus_client import REGISTRY  # noqa: PLC0415

    assert metrics is not None
    return REGISTRY


async def until(condition: Any, timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)
