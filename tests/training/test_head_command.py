"""`sonotype train head` from tones on disk to a folder that the plane serves; what cannot be learned is refused."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import prototype_models as maker
from sonotype.cli.app import app
from sonotype.core.settings import Settings
from sonotype.core.types import Analysis, Upload
from sonotype.main import open_ready_plane
from sonotype.models.card import HeadCard
from sonotype.models.heads.transfer import TransferHead
from sonotype.models.registry import Registry
from sonotype.plane.query import AnalyzeQuery


@pytest.fixture(autouse=True, scope="module")
def fakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SONOTYPE_MODEL_PATH", str(maker.FAKES))
        patch.setenv("SONOTYPE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.setenv("COLUMNS", "250")
        yield


@pytest.fixture
def tones(tmp_path: Path) -> Path:
    return write_tones(tmp_path / "tones")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A head of classes and one of values in one repository, with what their trainings said beside it."""
    tones = write_tones(tmp_path_factory.mktemp("trained") / "tones")
    data = csv_of(tones, "path,level,offset", lambda path, i, seed: f"{path},{-20.0 * i - 5},{100 + i}")
    (tones / "piano" / "bad.wav").write_bytes(b"nonsense")
    more = ("--targets", "level,offset", "--epochs", "200", "--seeds", "1", "--format", "json")
    for name, result in {
        "tones": train(tones),
        "levels": train(data, "--task", "regression", *more, name="levels"),
    }.items():
        assert result.exit_code == 0, result.output
        (tones.parent / f"{name}.out").write_text(result.stdout)
    return tones.parent / "repo"


def write_tones(folder: Path) -> Path:
    for index, label in enumerate(maker.LABELS):
        (folder / label).mkdir(parents=True)
        for seed in range(8):
            (folder / label / f"{seed}.wav").write_bytes(maker.class_wav(index, 2.0, seed))
    return folder


def train(data: Path, *more: str, backbone: str = "fake@vector", name: str = "tones") -> Result:
    root = data if data.is_dir() else data.parent
    cache = Path(os.environ["SONOTYPE_DATA_DIR"]) / "cache"
    fixed = ["--out", str(root.parent / "repo"), "--cache", str(cache), "--resamples", "10"]
    fixed += ["--seeds", "2", "--epochs", "60", "--patience", "60", "--learning-rate", "0.01", "--hidden", "8"]
    command = ["train", "head", "--data", str(data), "--name", name, "--backbone", backbone]
    return CliRunner().invoke(app, [*command, *fixed, *more])


def registry(repository: Path) -> Registry:
    found = Registry([maker.FAKES, repository], repository, builtin=False)
    assert not found.problems
    return found


def load(repository: Path, name: str = "tones") -> tuple[HeadCard, TransferHead, dict[str, Any]]:
    found = registry(repository)
    card = found.find(name)
    assert isinstance(card, HeadCard)
    report = json.loads((found.folder(card) / "report.json").read_text())
    return card, TransferHead.load(found.folder(card), card), report


def tone(index: int) -> np.ndarray[Any, Any]:
    return maker.embed_tone(maker.fake_backbone(), maker.class_audio(index, 1.0, 77))[None]


def ask(repository: Path, index: int, *models: str) -> Analysis:
    """What a plane with these models says of a tone."""
    settings = Settings(
        model_path=[maker.FAKES, repository],
        models=list(models),
        data_dir=repository.parent / "data",
        weights_dir=repository.parent / "weights",
        devices="cpu:1",
        decode_workers=1,
    )

    async def asked() -> Analysis:
        async with open_ready_plane(settings) as plane:
            return await plane.analyze(Upload.of(maker.class_wav(index, 2.0, 99)), AnalyzeQuery(models=models))

    return asyncio.run(asked())


def test_a_folder_becomes_a_model(repository: Path) -> None:
    output = (repository.parent / "tones.out").read_text()
    for words in ("head", "linear", "baseline", "balanced accuracy", "temperature", "tones@1"):
        assert words in output
    card, head, report = load(repository)
    assert (card.task, card.labels, card.frontend) == ("multiclass", ("flute", "piano", "tenor saxophone"), "plain")
    for index, label in enumerate(maker.LABELS):
        assert card.labels[int(head.predict(tone(index)).argmax())] == label
    assert report["skipped"][0]["file"] == "bad.wav"
    assert (report["judged_on"], len(report["seeds"]), np.sum(report["confusion"])) == ("test", 2, 6)
    assert [row["method"] for row in report["rows"]] == ["head", "linear", "baseline"]
    scores = report["rows"][0]["scores"]["balanced accuracy"]
    assert scores["low"] <= scores["value"] <= scores["high"] <= 1
    assert report["rows"][2]["scores"]["balanced accuracy"]["value"] == pytest.approx(1 / 3, abs=1e-5)


def test_the_plane_serves_what_was_trained(repository: Path) -> None:
    classes, values = ask(repository, 2, "tones", "levels").results
    named = classes.labels[int(classes.tags.argmax())]
    assert (classes.model, classes.task, named) == ("tones@1", "multiclass", "piano")
    assert classes.tags.sum() == pytest.approx(1, abs=1e-5)
    assert (values.model, values.task) == ("levels@1", "regression")
    assert values.tags == pytest.approx([-45, 102], abs=8)


def test_training_again_writes_the_next_version_and_the_same_numbers(tones: Path) -> None:
    for _ in range(3):
        result = train(tones, "--format", "json", "--epochs", "6")
        assert result.exit_code == 0, result.output
    repository = tones.parent / "repo" / "tones"
    folders = [repository, repository / "2", repository / "3"]
    assert len({(folder / "head.safetensors").read_bytes() for folder in folders}) == 1
    assert json.loads(result.stdout)["model"] == "tones@3"
    assert load(tones.parent / "repo")[0].version == "3"


def csv_of(tones: Path, header: str, line: Any) -> Path:
    rows = [line(f"{label}/{seed}.wav", index, seed) for index, label in enumerate(maker.LABELS) for seed in range(8)]
    (tones / "data.csv").write_text("\n".join([header, *rows]))
    return tones / "data.csv"


def test_several_labels_get_thresholds(tones: Path) -> None:
    data = csv_of(tones, "path,labels", lambda path, i, seed: f"{path},{'loud|tone' if i == 0 else 'soft|tone'}")
    refused = train(data)
    assert (refused.exit_code, "--task multilabel allows that" in refused.output) == (2, True), refused.output
    result = train(data, "--task", "multilabel", "--hidden", "0", "--format", "json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert [row["method"] for row in report["rows"]] == ["head", "baseline"]
    assert all(0 <= row["threshold"] <= 1 for row in report["per_label"])
    card, head, _ = load(data.parent.parent / "repo")
    assert (card.labels, len(card.layers)) == (("loud", "soft", "tone"), 1)
    loud, soft, both = head.predict(tone(0))[0]
    assert loud > soft
    assert both > 0.5


def test_values_are_predicted_in_their_own_units(repository: Path) -> None:
    report = json.loads((repository.parent / "levels.out").read_text())
    assert {"CCC", "Pearson", "R2", "RMSE", "MAE"} == set(report["rows"][0]["scores"])
    head_row, baseline = report["rows"][0]["scores"], report["rows"][-1]["scores"]
    assert head_row["RMSE"]["value"] < 0.5 * baseline["RMSE"]["value"]
    card, head, _ = load(repository, "levels")
    assert (card.task, card.labels, card.temperature) == ("regression", ("level", "offset"), 1.0)
    assert head.predict(tone(2))[0] == pytest.approx([-45, 102], abs=8)


@pytest.mark.parametrize(
    ("header", "cell", "says"),
    [
        ("path,other", "1", "no column 'level'"),
        ("file,level", "1", "no column 'path'"),
        ("path,level", "nan", "no finite number"),
        ("path,level", "", "no finite number"),
        ("path,level", "loud", "no finite number"),
        ("path,level", "3", "same value"),
    ],
)
def test_values_that_cannot_be_learned_are_named(tones: Path, header: str, cell: str, says: str) -> None:
    data = csv_of(tones, header, lambda path, i, seed: f"{path},{cell}")
    result = train(data, "--task", "regression", "--targets", "level")
    assert (result.exit_code, says in result.output) == (2, True), result.output
    assert not (data.parent.parent / "repo" / "tones").exists()


def test_what_cannot_be_trained_is_refused(tones: Path, tmp_path: Path) -> None:
    empty, one = tmp_path / "e" / "empty", tmp_path / "o" / "one"
    empty.mkdir(parents=True)
    (one / "flute").mkdir(parents=True)
    for seed in range(4):
        (one / "flute" / f"{seed}.wav").write_bytes(maker.class_wav(0, 1.0, seed))
    cases = [
        (train(empty), "no examples"),
        (train(one), "only one class"),
        (train(tones, backbone="nobody"), "no model named"),
        (train(tones, backbone="fake@nothing"), "no embedding 'nothing'"),
        (train(tones, name="Bad Name"), "is no name"),
        (train(tones, "--targets", "level"), "--targets"),
        (train(tones, "--task", "regression"), "--targets"),
        (train(tones, "--task", "regression", "--targets", "x"), "needs a CSV"),
        (train(tones, "--positive", "flute"), "one of two classes"),
        (train(tones / "nowhere"), "nothing at"),
    ]
    for result, says in cases:
        assert result.exit_code == 2, (says, result.output)
        assert says in result.output
    assert not (tones.parent / "repo").exists()


def test_a_class_whose_files_are_all_unusable_ends_the_training(tones: Path) -> None:
    for path in (tones / "flute").iterdir():
        path.write_bytes(b"nonsense")
    result = train(tones)
    assert result.exit_code == 2
    assert "'flute' has no usable train example" in result.output
    assert "8 files were skipped" in result.output


def test_a_name_of_another_kind_of_model_is_left_alone(tones: Path) -> None:
    maker.make_model(tones.parent / "repo", name="tones")
    result = train(tones)
    assert result.exit_code == 2
    assert "no transfer head" in result.output
