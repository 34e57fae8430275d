"""`sonotype train decoder` says what is wrong in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import prototype_models as maker
from sonotype.cli.app import app


@pytest.mark.parametrize(
    ("embedding", "stage", "says"),
    [
        ("nobody@vector", "all", "no model named"),
        ("fake@nothing", "all", "no embedding"),
        ("fake@vector", "everything", "no stage"),
        ("fake@vector", "all", "manifest none.csv cannot be read"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedding: str, stage: str, says: str
) -> None:
    monkeypatch.setenv("SONOTYPE_MODEL_PATH", str(maker.FAKES))
    fixed = ["--data", str(tmp_path / "none.csv"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["train", "decoder", *fixed, "--embedding", embedding, "--stage", stage])
    assert result.exit_code == 2
    assert says in result.output
    assert list(tmp_path.iterdir()) == []
