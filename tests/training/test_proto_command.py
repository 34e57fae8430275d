"""`sonotype train prototypes` from a folder of tones to a model folder that loads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

import prototype_models as maker
from sonotype.cli.app import app
from sonotype.models.card import PrototypeCard
from sonotype.models.heads.prototypes import PrototypeHead
from sonotype.models.heads.provenance import read_provenance
from sonotype.models.registry import Registry
from sonotype.training.data.dataset import Example, write_manifest
from sonotype.training.model_folder import rewrite_card


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SONOTYPE_MODEL_PATH", str(maker.FAKES))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def tones(tmp_path: Path) -> Path:
    for index, label in enumerate(maker.LABELS):
        (tmp_path / "tones" / label).mkdir(parents=True)
        for seed in range(8):
            (tmp_path / "tones" / label / f"{seed}.wav").write_bytes(maker.class_wav(index, 2.0, seed))
    return tmp_path / "tones"


def train(data: Path, *more: str, embedding: str = "fake@vector") -> Result:
    fixed = ["--out", str(data.parent / "repo"), "--cache", str(data.parent / "cache"), "--steps", "60"]
    fixed += ["--resamples", "20"]
    command = ["train", "prototypes", "--data", str(data), "--name", "tones", "--embedding", embedding]
    return CliRunner().invoke(app, [*command, *fixed, *more])


def load(folder: Path) -> tuple[PrototypeCard, PrototypeHead]:
    registry = Registry([maker.FAKES, folder], folder, builtin=False)
    assert not registry.problems
    card = registry.prototype_cards()["tones"]
    return card, PrototypeHead.load(registry.folder(card), card)


def test_a_folder_becomes_a_model(tones: Path) -> None:
    (tones / "piano" / "bad.wav").write_bytes(b"nonsense")
    soundfile.write(tones / "flute" / "silent.wav", np.zeros(32000), 16000)
    (tones / "LICENCES.md").write_text("made up")
    result = train(tones, "-k", "1", "-k", "2", "--seeds", "2", "--keep-segments", "--licence", "CC0-1.0")
    assert result.exit_code == 0, result.output
    for words in ("prototypes, K = 1", "prototypes, K = 2", "MLP 128", "skipped: the file is silent", "bad.wav"):
        assert words in result.output
    card, head = load(tones.parent / "repo")
    assert card.labels == ("flute", "piano", "tenor saxophone")
    assert card.licence.spdx == "CC0-1.0"
    for index, label in enumerate(maker.LABELS):
        vector = maker.embed_tone(maker.fake_backbone(), maker.class_audio(index, 1.0, 77))
        reasons = head.explain(vector[None])
        assert card.labels[int(reasons.logits.argmax())] == label
    folder = tones.parent / "repo" / "tones"
    provenance = read_provenance(folder / "provenance.json")
    assert provenance.weights_sha256 == card.weights.sha256
    for record, prototype_id in zip(provenance.prototypes, head.ids, strict=True):
        assert record.id == prototype_id
        assert record.medoid.label == record.label
        segment, rate = soundfile.read(folder / "medoids" / f"{record.id}.ogg")
        assert len(segment) / rate == pytest.approx(1.0, abs=0.01)
    assert (folder / "medoids" / "LICENCES.md").read_text() == "made up"
    report = json.loads((folder / "report.json").read_text())
    assert {row["name"] for row in report["rows"]} >= {"prototypes, K = 1", "logistic regression"}
    assert {skipped["file"] for skipped in report["skipped"]} == {"bad.wav", "silent.wav"}
    assert "| prototypes, K = 2 |" in (folder / "report.md").read_text()
    assert [path.name for path in folder.parent.iterdir()] == ["tones"], "nothing unfinished is left"


def test_several_labels(tones: Path) -> None:
    examples = [
        Example(path, (label, "soft") if label != "flute" else (label,))
        for label in maker.LABELS
        for path in sorted((tones / label).iterdir())
    ]
    write_manifest(tones.parent / "data.csv", examples)
    result = train(
        tones.parent / "data.csv", "--multilabel", "--seeds", "1", "-k", "2", "--format", "json", "--steps", "400"
    )
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["metric"] == "macro average precision"
    card, head = load(tones.parent / "repo")
    assert card.multilabel
    assert card.labels == ("flute", "piano", "soft", "tenor saxophone")
    loud = maker.embed_tone(maker.fake_backbone(), maker.class_audio(0, 1.0, 9))
    probabilities = head.probabilities(head.logits(loud[None])[0])
    assert probabilities[0] > probabilities[2]


def test_a_decoder_of_the_same_embedding_outlives_retraining(tones: Path) -> None:
    few = ("--seeds", "1", "-k", "1", "--no-compare")
    assert train(tones, *few).exit_code == 0
    folder = tones.parent / "repo" / "tones"
    card, _ = load(folder.parent)
    (folder / "decoder.safetensors").write_bytes(b"decoder")
    rewrite_card(folder, card.model_copy(update={"decoder": maker.make_card(maker.fitted_arrays()).decoder}))
    assert train(tones, *few).exit_code == 2, "a model is not replaced unless asked for"
    assert train(tones, *few, "--replace").exit_code == 0
    again, _ = load(folder.parent)
    assert again.decoder is not None
    assert (folder / "decoder.safetensors").read_bytes() == b"decoder"
    assert train(tones, *few, "--replace", embedding="fake@small").exit_code == 0
    assert load(folder.parent)[0].decoder is None
    assert not (folder / "decoder.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"embedding": "fake@nothing"}, 2, "fake@vector, fake@small"),
        ({"embedding": "unknown@vector"}, 2, "unknown"),
        ({"more": ("--name", "No Name")}, 2, "is no name"),
        ({"more": ("--adaptor", "lstm")}, 2, "adaptor"),
    ],
)
def test_wrong_usage_is_one_line(tones: Path, arguments: dict[str, object], code: int, words: str) -> None:
    result = train(tones, *arguments.get("more", ()), embedding=str(arguments.get("embedding", "fake@vector")))  # type: ignore[misc]
    assert result.exit_code == code
    assert "error:" in result.output
    assert words in result.output


def test_a_class_of_unreadable_files_is_an_error(tones: Path) -> None:
    for path in (tones / "piano").iterdir():
        path.write_bytes(b"nonsense")
    result = train(tones)
    assert result.exit_code == 2
    assert "Class 'piano' has no usable" in result.output
