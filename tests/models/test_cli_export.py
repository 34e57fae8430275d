"""`sonotype models export` and `sonotype models tune`, as typed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from maest_kit import make_model
from safetensors.numpy import load_file
from typer.testing import CliRunner, Result

from sonotype.cli.models import app
from sonotype.core.errors import TABLE, Code
from sonotype.models.card import Card
from sonotype.models.card_parts import LicenceSpec
from sonotype.models.tuning import candidates
from sonotype.models.zoo.ast_names import POSITIONS, from_ast, to_ast
from sonotype.models.zoo.installed import card_text
from transfer_heads import make_head

TERMS = LicenceSpec(spdx="CC-BY-NC-SA-4.0", commercial=False, holder="somebody", url="https://example.org/terms")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a narrow MAEST that may not be used commercially, and a head of another network."""
    folder = tmp_path / "mine" / "maest-tiny"
    folder.mkdir(parents=True)
    card, _ = make_model(folder, depth=1, blocks=[1], width=12, heads=1)
    (folder / "card.toml").write_text(card_text(card.model_copy(update={"licence": TERMS})), encoding="utf-8")
    make_head(tmp_path / "mine")
    monkeypatch.setenv("SONOTYPE_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("SONOTYPE_MODEL_PATH", str(tmp_path / "mine"))
    monkeypatch.setenv("SONOTYPE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine"


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(args))
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


def test_a_head_is_written_and_checked_and_not_overwritten(repository: Path) -> None:
    told = json.loads(run("export", "fake-head", "--json").stdout)
    assert told["model"] == "fake-head@1"
    assert told["differences"]["scores"] < 1e-5
    assert Path("fake-head.onnx").stat().st_size == told["files"]["fake-head.onnx"]
    assert "--replace" in run("export", "fake-head", code=TABLE[Code.CONFLICT].exit).stderr


def test_what_cannot_be_written_is_said_before_the_work(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"mine")
    conflict, invalid = TABLE[Code.CONFLICT].exit, TABLE[Code.INVALID_REQUEST].exit
    result = run("export", "fake-head", "--out", "folder", "--replace", code=conflict)
    assert "folder is a folder; --out needs another name." in result.stderr
    result = run("export", "maest-tiny", "--format", "ast", "--out", "file", "--replace", code=conflict)
    assert "file is a file; --out needs another name." in result.stderr
    result = run("export", "fake-head", "--out", "file/below.onnx", code=invalid)
    assert "file/below.onnx cannot be written" in result.stderr
    result = run("export", "fake-head", "--out", "/proc/there/below.onnx", code=invalid)
    assert "/proc/there/below.onnx cannot be written" in result.stderr
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert not list((tmp_path / "folder").iterdir())


def test_ast_is_written_with_its_licence(repository: Path) -> None:
    result = run("export", "maest-tiny", "--format", "ast", "--out", "there")
    assert "CC-BY-NC-SA-4.0" in result.stderr
    config = json.loads(Path("there/config.json").read_text())
    assert (config["hidden_size"], config["max_length"], config["num_hidden_layers"]) == (12, 316, 1)
    assert config["sonotype"]["licence"] == "CC-BY-NC-SA-4.0"
    assert next(iter(config["id2label"].values())) == "label 0"
    state = from_ast(load_file("there/model.safetensors"), "there")
    own = load_file(repository / "maest-tiny" / "model.safetensors")
    assert set(own) - set(state) == {"head_dist.weight", "head_dist.bias"}
    places = [name for name in state if name.endswith("pos_embed")]
    assert all(np.array_equal(array, own[name]) for name, array in state.items() if name not in places)
    # AST adds the three encodings up, so only their sum comes back
    assert len(places) == 3
    assert to_ast(state)[POSITIONS] == pytest.approx(to_ast(own)[POSITIONS], abs=1e-6)


def test_a_commercial_deployment_exports_nothing_that_forbids_it(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONOTYPE_COMMERCIAL", "true")
    result = run("export", "maest-tiny", "--format", "ast", code=TABLE[Code.FORBIDDEN].exit)
    assert "CC-BY-NC-SA-4.0" in result.stderr


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_without_the_extra_it_says_what_to_install(
    package: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    result = run("export", "maest-tiny", code=TABLE[Code.INVALID_REQUEST].exit)
    assert f"The package {package} is not installed: pip install 'sonotype[onnx]'" in result.stderr
    assert not Path("maest-tiny.onnx").exists()


def test_what_cannot_be_exported_is_refused(repository: Path) -> None:
    run("export", "vgg-msd", code=TABLE[Code.WEIGHTS_MISSING].exit)
    run("export", "instruments-pecmae", code=TABLE[Code.INVALID_REQUEST].exit)
    run("export", "fake-head", "--format", "ast", code=TABLE[Code.INVALID_REQUEST].exit)
    run("export", "no-such", code=TABLE[Code.MODEL_NOT_FOUND].exit)


def test_tuning_is_printed_and_remembered(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "ENGINES", ("torch",))
    monkeypatch.setattr(candidates, "resolve_precision", lambda precision: "fp32")
    monkeypatch.setattr(candidates.candidates, "__defaults__", ("auto", ("torch",)))
    first = json.loads(run("tune", "maest-tiny", "--json").stdout)["models"]
    assert (first[0]["engine"], first[0]["precision"]) == ("torch", "fp32")
    assert json.loads(run("tune", "--json").stdout)["models"] == first
    assert "chosen" in run("tune", "maest-tiny").stdout
    assert "nothing to choose" in run("tune", "yamnet", code=TABLE[Code.INVALID_REQUEST].exit).stderr


@pytest.mark.parametrize(("device", "reason"), [("gpu", "A device is cpu or cuda:N"), ("cuda:99", "no cuda:99 here")])
def test_devices_that_are_not_here_are_refused(device: str, reason: str, repository: Path) -> None:
    result = run("tune", "maest-tiny", "--device", device, code=TABLE[Code.INVALID_REQUEST].exit)
    assert reason in result.stderr


def test_the_card_is_read_with_its_runtime(repository: Path) -> None:
    text = (repository / "maest-tiny" / "card.toml").read_text()
    assert "[runtime]" not in text
    (repository / "maest-tiny" / "card.toml").write_text(text + '\n[runtime]\nengine = "torch"\n')
    told = json.loads(run("show", "maest-tiny", "--json").stdout)
    assert told["runtime"] == {"engine": "torch", "precision": "auto"}
    told.pop("weights_path")
    assert Card.model_validate(told).runtime is not None
