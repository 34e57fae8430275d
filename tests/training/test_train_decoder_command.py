"""`sonotype train decoder`: from files to a folder that plays, and what is wrong in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner, Result

import prototype_models as maker
from sonotype.cli.app import app
from sonotype.models.card import Card, PrototypeCard, read_any_card
from sonotype.models.sonify.base import load
from sonotype.training.data.dataset import Example, write_manifest

ROWS = [("train", seed) for seed in range(3)] + [("validation", 9)]


def invoke(repository: Path, *more: str) -> Result:
    fixed = ["--data", str(repository / "data.csv"), "--out", str(repository / "tones")]
    return CliRunner().invoke(app, ["train", "decoder", *fixed, "--embedding", "grid@vector", "--steps", "3", *more])


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A network with a decoder's frames, a prototype model on it, and eight clips of five seconds."""
    threads = torch.get_num_threads()
    text = (maker.FAKES / "fake" / "card.toml").read_text()
    text = text.replace('name = "fake"', 'name = "grid"').replace("hop_length = 160", "hop_length = 256")
    (tmp_path / "grid").mkdir()
    (tmp_path / "grid" / "card.toml").write_text(text)
    backbone = read_any_card(tmp_path / "grid" / "card.toml")
    assert isinstance(backbone, Card)
    maker.make_model(tmp_path, name="tones", backbone=backbone, decoder=False)
    examples = []
    for index, label in enumerate(maker.LABELS[:2]):
        for split, seed in ROWS:
            path = tmp_path / f"{index}-{seed}.wav"
            path.write_bytes(maker.class_wav(index, 5.0, seed))
            examples.append(Example(path, (label,), split))  # type: ignore[arg-type]
    write_manifest(tmp_path / "data.csv", examples)
    monkeypatch.setenv("SONOTYPE_MODEL_PATH", str(tmp_path))
    yield tmp_path
    torch.set_num_threads(threads)


def test_files_become_a_decoder_that_plays(repository: Path) -> None:
    folder, work = repository / "tones", repository / "decoder-work"
    early = invoke(repository, "--stage", "export")
    assert early.exit_code == 2
    assert "The flow is not trained" in early.output
    flow = invoke(repository, "--stage", "flow")
    assert flow.exit_code == 0, flow.output
    half = invoke(repository, "--stage", "export")
    assert half.exit_code == 2
    assert "The vocoder is not trained" in half.output
    assert not (folder / "decoder.safetensors").exists()
    whole = invoke(repository)
    assert whole.exit_code == 0, whole.output
    assert torch.load(work / "flow.pt", weights_only=True)["step"] == 3, "the flow was trained before"
    assert torch.load(work / "vocoder.pt", weights_only=True)["step"] == 3
    average = torch.load(work / "flow.pt", weights_only=True)["average"]
    tensors = load_file(folder / "decoder.safetensors")
    for name, value in average.items():
        assert torch.equal(tensors[f"flow.{name}"], value.to(tensors[f"flow.{name}"].dtype)), name
    card = read_any_card(folder / "card.toml")
    assert isinstance(card, PrototypeCard)
    assert card.decoder is not None
    assert card.decoder.sha256 in whole.output
    sonifier = load(folder, card)
    samples = np.concatenate(list(sonifier.stream(np.zeros(sonifier.dim, np.float32), seed=0, steps=2)))
    assert samples.shape == (sonifier.segment_samples,) == (65536,)
    assert np.isfinite(samples).all()
    assert samples.std() > 0.0


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
