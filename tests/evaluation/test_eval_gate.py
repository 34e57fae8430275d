"""The gate as a whole: the command on a tiny model, its report and its page."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from prototype_models import FAKES, LABELS, RATE_HZ, class_audio, make_model
from sonotype.cli import gate as command
from sonotype.cli.app import app
from sonotype.core.types import Floats
from sonotype.evaluation.spectrogram import HEIGHT, LOWEST_HZ, RANGE_DB, WIDTH, picture, spectrogram
from sonotype.models.card import PrototypeCard, read_any_card
from sonotype.models.heads.arrays import read_arrays
from sonotype.models.heads.provenance import badges_hold, read_provenance
from sonotype.training.data.dataset import Example, write_manifest
from sonotype.training.model_folder import card_text


class Levels:
    """Ears that hear loudness, the one thing in which the classes of `class_audio` differ."""

    dim = 4

    def windows(self, samples: Floats) -> Floats:
        level = np.log10(np.sqrt(np.mean(samples.astype(np.float64) ** 2)) + 1e-6)
        return np.array([[level, level**2, 1.0, 0.0]], dtype=np.float32)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a model with the decoder `fake`, in an environment of its own."""
    for name, value in (("XDG_CACHE_HOME", tmp_path / "cache"), ("SONOTYPE_MODEL_PATH", FAKES)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(command, "_ears", lambda settings: Levels())
    make_model(tmp_path / "models")
    return tmp_path / "models" / "fake-prototypes"


@pytest.fixture
def manifest(tmp_path: Path, model: Path) -> Path:
    """Its data set: the medoids are files of the training split."""
    examples = []
    folder = tmp_path / "audio"
    folder.mkdir()
    for index, label in enumerate(LABELS):
        names = {f"fake-prototypes.{label.replace(' ', '-')}.{k}.wav": "train" for k in range(2)}
        names |= {f"test-{index}-{k}.wav": "test" for k in range(2)}
        for k, (name, split) in enumerate(names.items()):
            soundfile.write(folder / name, class_audio(index, 2.0, k), RATE_HZ)
            examples.append(Example(folder / name, (label,), split, "tones"))  # type: ignore[arg-type]
    write_manifest(tmp_path / "manifest.csv", examples)
    return tmp_path / "manifest.csv"


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["gate", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


class Links(HTMLParser):
    """Every file that a page refers to, and whether its elements close."""

    def __init__(self) -> None:
        super().__init__()
        self.files: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.files |= {value for name, value in attrs if name in ("src", "href") and value}
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_command_writes_badges_report_and_page(model: Path, manifest: Path, tmp_path: Path) -> None:
    (model / "medoids").mkdir()
    (model / "medoids" / "fake-prototypes.flute.0.ogg").write_bytes(b"OggS")
    code, out, err = run(model, "--data", manifest, "--report", tmp_path / "report")
    assert code == 0, err
    assert "of 6 prototypes" in out
    assert "the independent judge hears the right class" in out
    found = read_provenance(model / "provenance.json")
    card = read_any_card(model / "card.toml")
    assert isinstance(card, PrototypeCard)
    assert badges_hold(found, card.decoder)
    assert found.judge.startswith("YAMNet")
    for record in found.prototypes:
        assert record.prototype is not None
        assert record.decoded_medoid is not None
        assert [score.seed for score in record.prototype.scores] == [0, 1, 2]
        # a decoder that turns numbers into pitches at one loudness cannot be faithful
        assert not record.prototype.passed
        assert record.decoded_medoid == record.prototype
    _check_page(tmp_path / "report")
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["model"] == "fake-prototypes@1"
    assert report["ceiling"] == "real segment"
    assert report["passed"] == {"prototypes": False, "medoids": False}
    assert report["aims"] == {"classifier": 0.95, "judge": 0.85}
    assert "≥ 0.9 (aim 0.95)" in (tmp_path / "report" / "report.md").read_text()
    assert report["held_out"]["items"] == 6
    assert report["judge"]["items"] == {"train": 6, "validation": 0, "test": 6}
    text = (tmp_path / "report" / "report.md").read_text()
    assert "| fake-prototypes.tenor-saxophone.1 | failed:" in text


def _check_page(folder: Path) -> None:
    """Everything it needs lies beside it, nothing lies there in vain, and it asks no network."""
    page = (folder / "index.html").read_text()
    links = Links()
    links.feed(page)
    assert links.open == []
    assert not re.search(r"https?://", page)
    wanted = {name for name in links.files if name.startswith(("audio/", "img/"))}
    assert "../models/fake-prototypes/medoids/fake-prototypes.flute.0.ogg" in links.files
    there = {str(path.relative_to(folder)) for path in folder.glob("*/*")}
    assert wanted == there
    # three seeds of six prototypes, which are their own medoids here
    assert sum(name.startswith("audio/") for name in there) == 6 * 3
    assert sum(name.startswith("img/") for name in there) == 6 * 2
    samples, rate = soundfile.read(folder / "audio" / "piano.1-seed2.ogg")
    assert (len(samples), rate) == (16384, RATE_HZ)


def test_medoids_of_their_own_are_decoded_too(model: Path, manifest: Path, tmp_path: Path) -> None:
    card = read_any_card(model / "card.toml")
    assert isinstance(card, PrototypeCard)
    arrays = read_arrays(model, card)
    moved = replace(arrays, medoids=arrays.medoids + np.float32(0.5))
    data = moved.to_bytes()
    weights = card.weights.model_copy(update={"sha256": hashlib.sha256(data).hexdigest()})
    (model / "prototypes.safetensors").write_bytes(data)
    (model / "card.toml").write_text(card_text(card.model_copy(update={"weights": weights})))
    found = read_provenance(model / "provenance.json").model_copy(update={"weights_sha256": weights.sha256})
    (model / "provenance.json").write_text(found.model_dump_json())
    code, _, err = run(model, "--data", manifest, "--report", tmp_path / "report", "--tries", 2)
    assert code == 0, err
    for record in read_provenance(model / "provenance.json").prototypes:
        assert record.prototype is not None
        assert record.prototype.tries == 2
        assert all(score.noise in (score.seed, score.seed + 3) for score in record.prototype.scores)
    assert json.loads((tmp_path / "report" / "report.json").read_text())["tries"] == 2
    assert "Of 2 sonifications per seed" in (tmp_path / "report" / "report.md").read_text()
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert not report["pushed"]
    assert report["prototypes"]["cosine"] != report["medoids"]["cosine"]
    assert len(list((tmp_path / "report" / "audio").glob("*-medoid.ogg"))) == 6


def test_a_dry_run_writes_nothing(model: Path, manifest: Path) -> None:
    before = (model / "provenance.json").read_bytes()
    code, out, err = run(model, "--data", manifest, "--dry-run", "--seeds", 2, "--format", "json")
    assert code == 0, err
    assert json.loads(out)["seeds"] == [0, 1]
    assert (model / "provenance.json").read_bytes() == before


def test_running_again_gives_the_same(model: Path, manifest: Path) -> None:
    texts = []
    for _ in range(2):
        assert run(model, "--data", manifest)[0] == 0
        texts.append((model / "provenance.json").read_text())
    assert texts[0] == texts[1]


@pytest.mark.parametrize("seeds", [1, -1])
def test_too_few_seeds_are_refused(model: Path, manifest: Path, seeds: int) -> None:
    assert run(model, "--data", manifest, "--seeds", seeds)[0] == 2


def test_a_model_without_decoder_is_refused(model: Path, manifest: Path, tmp_path: Path) -> None:
    make_model(tmp_path / "models", name="mute", decoder=False)
    code, _, err = run(tmp_path / "models" / "mute", "--data", manifest)
    assert (code, "no decoder" in err) == (2, True)


def test_data_without_the_medoids_is_refused(model: Path, manifest: Path) -> None:
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if "piano.1" not in line))
    code, _, err = run(model, "--data", manifest)
    assert (code, "piano.1" in err) == (2, True)


def test_provenance_of_other_weights_is_refused(model: Path, manifest: Path) -> None:
    path = model / "provenance.json"
    found = read_provenance(path)
    path.write_text(found.model_copy(update={"weights_sha256": "0" * 64}).model_dump_json())
    code, _, err = run(model, "--data", manifest)
    assert (code, "other prototypes" in err) == (2, True)


def test_what_is_no_prototype_model_is_refused(model: Path, manifest: Path, tmp_path: Path) -> None:
    assert run(FAKES / "fake", "--data", manifest)[0] == 2
    assert run(tmp_path, "--data", manifest)[0] == 2
    assert run(model, "--data", tmp_path / "nothing.csv")[0] == 2


def test_a_spectrogram_shows_a_tone_where_it_is() -> None:
    at = np.arange(RATE_HZ) / RATE_HZ
    image = spectrogram(np.sin(2 * np.pi * 1000 * at).astype(np.float32), RATE_HZ)
    assert image.shape == (HEIGHT, WIDTH)
    assert (image.max(), image.min()) == (0.0, -RANGE_DB)
    row = HEIGHT - 1 - int(image[:, WIDTH // 2].argmax())
    hertz = LOWEST_HZ * (RATE_HZ / 2 / LOWEST_HZ) ** ((row + 0.5) / HEIGHT)
    assert hertz == pytest.approx(1000, rel=0.05)


def test_a_picture_of_silence() -> None:
    assert spectrogram(np.zeros(4000, np.float32), RATE_HZ).max() == -RANGE_DB
    assert picture(np.zeros(4000, np.float32), RATE_HZ)[8:12] == b"WEBP"
