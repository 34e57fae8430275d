"""`sonotype train head --load`: what was trained is served by the running service, version after version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

import prototype_models as maker
from harness import Served, serve
from sonotype.cli.app import app

KEY = "a-key"
OPEN = {"Authorization": f"Bearer {KEY}", "Content-Type": "audio/wav"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of tones, and an empty repository."""
    root = tmp_path_factory.mktemp("train-and-load")
    (root / "models").mkdir()
    for index, label in enumerate(maker.LABELS[:2]):
        (root / "tones" / label).mkdir(parents=True)
        for seed in range(6):
            (root / "tones" / label / f"{seed}.wav").write_bytes(maker.class_wav(index, 1.0, seed))
    return root


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    paths = f"{maker.FAKES},{folder / 'models'}"
    with serve(
        folder, models="fake", default_model="fake", model_path=paths, devices="cpu:1", decode_workers=1, api_keys=KEY
    ) as service:
        service.wait_ready()
        yield service


@pytest.fixture(autouse=True)
def surroundings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONOTYPE_MODEL_PATH", str(maker.FAKES))
    monkeypatch.setenv("SONOTYPE_DATA_DIR", str(folder / "own"))


def train(folder: Path, name: str, url: str, *more: str) -> Result:
    command = ["train", "head", "--backbone", "fake@vector", "--data", str(folder / "tones"), "--name", name]
    command += ["--out", str(folder / "models"), "--cache", str(folder / "cache"), "--load", url]
    quick = ["--seeds", "1", "--epochs", "30", "--learning-rate", "0.01", "--hidden", "0", "--resamples", "5"]
    return CliRunner().invoke(app, [*command, *quick, *more])


def test_each_training_is_served_when_its_command_ends(served: Served, folder: Path) -> None:
    tone = maker.class_wav(1, 1.0, 77)
    for version in ("1", "2"):
        outcome = train(folder, "tones", served.url, "--api-key", KEY)
        assert outcome.exit_code == 0, outcome.output
        answer = httpx.post(f"{served.url}/v1/tags", params={"model": "tones"}, content=tone, headers=OPEN, timeout=60)
        (result,) = answer.json()["results"]
        assert (result["model"], result["task"]) == (f"tones@{version}", "multiclass")
        assert result["tags"][0]["label"] == maker.LABELS[1]
    body = httpx.post(f"{served.url}/v1/models/tones/rollback", headers=OPEN, timeout=60).json()
    assert (body["version"], body["previous"]) == ("1", "2")


def test_a_head_that_the_service_does_not_take_is_kept(served: Served, folder: Path) -> None:
    outcome = train(folder, "unloaded", served.url, "--api-key", "wrong")
    assert outcome.exit_code != 0
    assert "Send a valid API key" in outcome.output
    assert (folder / "models" / "unloaded" / "card.toml").is_file()
    outcome = train(folder, "unheard", "http://127.0.0.1:9")
    assert outcome.exit_code != 0
    assert "cannot be reached" in outcome.output
    assert (folder / "models" / "unheard" / "card.toml").is_file()
