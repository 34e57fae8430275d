"""What the settings say of engines reaches the workers; warming up costs what a model is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serving_kit import REPOSITORY, fake_card, make_pool

from sonotype.core.errors import SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Floats
from sonotype.main import _recruit
from sonotype.models.card import Card
from sonotype.models.card_parts import RuntimeSpec
from sonotype.models.registry import Registry
from sonotype.models.runtime.base import RunOutput
from sonotype.plane.deployment import choose_models
from sonotype.serving.batcher import Batcher
from sonotype.serving.cache import open_store
from sonotype.serving.devices import Device
from sonotype.serving.poison import Quarantine
from sonotype.serving.workers.config import hello
from sonotype.serving.workers.warmup import measure


def test_the_setting_becomes_a_part_of_the_first_message(tmp_path: Path) -> None:
    settings = Settings(engine="measure", precision="fp32", data_dir=tmp_path)
    registry = Registry([REPOSITORY], tmp_path, builtin=False)
    batcher = _recruit(
        settings, (Device("cpu", 4),), Quarantine(open_store(settings)), registry, choose_models(registry, settings)
    )
    worker = batcher._pool.workers[0]
    message = hello(worker._config, worker.device, worker._geometry, {})
    assert {(entry["engine"], entry["precision"]) for entry in message["models"]} == {("measure", "fp32")}
    assert message["measured"] == str(tmp_path / "engines.json")


@pytest.mark.parametrize(
    ("fixed", "asked"), [(None, "onnxruntime auto"), (RuntimeSpec(engine="torch", precision="fp32"), "torch fp32")]
)
async def test_a_worker_loads_with_the_engine(fixed: RuntimeSpec | None, asked: str) -> None:
    card = fake_card().model_copy(update={"runtime": fixed})
    pool = make_pool(card, loader="standin_engines:load", engine="auto" if fixed else "onnxruntime")
    batcher = Batcher(pool)
    await batcher.start()
    try:
        with pytest.raises(SonotypeError, match=f"asked for {asked} on cpu"):
            await batcher.wait_ready(60)
    finally:
        await batcher.aclose()


@dataclass
class Slow:
    """A model of two front ends; a row takes so many seconds of a clock that moves only here."""

    card: Card
    row_s: float
    now: float = 0.0
    runs: list[tuple[str, int]] = field(default_factory=list)

    def run(self, windows: Floats, valid: Any, fill: str, frontend: str, patchout: object = None) -> RunOutput:
        self.runs.append((frontend, len(windows)))
        self.now += self.row_s * len(windows)
        return RunOutput({"tags": np.zeros((len(windows), 2), np.float32)}, {})

    def rate(self, rows: int) -> float:
        return measure(self, rows, lambda: self.now)  # type: ignore[arg-type]


def two_frontends() -> Card:
    card = Registry([], Path("/nowhere")).get("musicnn-msd")
    assert list(card.frontends) == ["musicnn", "essentia"]
    return card


def test_a_cheap_model_is_warmed_up_with_its_largest_batch() -> None:
    model = Slow(two_frontends(), 0.01)
    assert model.rate(8) == pytest.approx(187 * 256 / 16000 / 0.01)
    assert model.runs == [(name, rows) for name in ("musicnn", "essentia") for rows in (1, 1, 8, 8)]


def test_an_expensive_model_is_warmed_up_with_single_rows() -> None:
    model = Slow(two_frontends(), 2.0)
    assert model.rate(8) == pytest.approx(187 * 256 / 16000 / 2.0)
    assert model.runs == [("musicnn", 1), ("musicnn", 1), ("essentia", 1)]
