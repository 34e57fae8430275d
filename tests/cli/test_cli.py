"""The command `sonotype` as people type it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import MODELS, serve, tone
from sonotype import __version__
from sonotype.cli.app import documented_exit_codes
from sonotype.cli.local import serving_only
from sonotype.core.settings import Settings


def run(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "SONOTYPE_MODEL_PATH": str(MODELS),
        "SONOTYPE_MODELS": "fake,fake-chaos",
        "SONOTYPE_DEFAULT_MODEL": "fake",
        "SONOTYPE_DATA_DIR": str(folder / "data"),
        "SONOTYPE_DEVICES": "cpu:1",
        "COLUMNS": "150",
    }
    command = [sys.executable, "-m", "sonotype", *arguments]
    return subprocess.run(command, check=False, env=environment | settings, capture_output=True, text=True, timeout=100)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    (folder / "album").mkdir(parents=True)
    (folder / "one.wav").write_bytes(tone(2, 1))
    (folder / "album" / "two.wav").write_bytes(tone(3, 2))
    (folder / "cover.png").write_bytes(b"\x89PNG\r\n")
    return folder


def test_version_and_help(tmp_path: Path) -> None:
    assert run("version", folder=tmp_path).stdout.strip() == __version__
    top = run("--help", folder=tmp_path).stdout
    assert all(name in top for name in ("serve", "analyze", "models", "doctor", "version"))
    for code in documented_exit_codes():
        assert f"{code} " in top.partition("Exit codes")[2]
    for name in ("serve", "analyze", "doctor"):
        assert "Example" in (text := run(name, "--help", folder=tmp_path).stdout) or name == "doctor", text


def test_json_of_a_folder_in_order(tmp_path: Path, music: Path) -> None:
    done = run("analyze", str(music), "--format", "json", "--embedding", "vector", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert [Path(answer["file"]).name for answer in answers] == ["two.wav", "one.wav"]
    assert [answer["clip"]["duration_s"] for answer in answers] == [3.0, 2.0]
    assert len(answers[0]["results"][0]["embeddings"][0]["values"]) == 16


def test_table_csv_and_json_lines_agree(tmp_path: Path, music: Path) -> None:
    file = str(music / "one.wav")
    lines = run("analyze", file, "--format", "jsonl", folder=tmp_path).stdout.splitlines()
    tags = json.loads(lines[0])["results"][0]["tags"]
    rows = list(csv.DictReader(io.StringIO(run("analyze", file, "--format", "csv", folder=tmp_path).stdout)))
    assert [row["label"] for row in rows] == [tag["label"] for tag in tags]
    table = run("analyze", file, folder=tmp_path).stdout
    positions = [table.index(tag["label"]) for tag in tags]
    assert positions == sorted(positions)
    assert f"{tags[0]['score']:.3f}" in table


def test_one_bad_file_is_named_and_the_others_are_answered(tmp_path: Path, music: Path) -> None:
    done = run("analyze", str(music / "one.wav"), str(music / "cover.png"), "--format", "jsonl", folder=tmp_path)
    assert done.returncode == 4
    assert len(done.stdout.splitlines()) == 1
    assert "cover.png" in done.stderr
    assert "unsupported_format" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["analyze", "/nowhere.mp3"], 2, "no such file"),
        (["analyze", "FILE", "--model", "nope"], 2, "model_not_found"),
        (["analyze", "FILE", "--tail", "chop"], 2, "tail"),
        (["analyze", "FILE", "--embedding", "nope"], 2, "vector"),
        (["analyze", "FILE", "--server", "http://127.0.0.1:1"], 5, "cannot be reached"),
        (["serve", "--devices", "tpu"], 2, "cpu:N"),
        (["serve", "--precision", "fp7"], 2, "precision"),
        (["serve", "--models", "musicnn-nope"], 2, "model_not_found"),
    ],
)
def test_mistakes_get_one_clear_line(tmp_path: Path, music: Path, arguments: list[str], code: int, said: str) -> None:
    named = [str(music / "one.wav") if argument == "FILE" else argument for argument in arguments]
    done = run(*named, folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_audio_is_told_before_any_model_is_loaded(tmp_path: Path) -> None:
    (text, empty, pipe) = (tmp_path / "README.md", tmp_path / "empty.mp3", tmp_path / "pipe.mp3")
    text.write_text("# Sonotype\n")
    empty.touch()
    os.mkfifo(pipe)  # nobody ever writes to it
    paths = [str(path) for path in (text, empty, pipe, "/dev/zero")]
    done = run("analyze", *paths, folder=tmp_path, SONOTYPE_MODELS="musicnn-msd", SONOTYPE_WEIGHTS_DIR=paths[0])
    assert done.returncode == 4
    lines = [line.partition(": ")[2] for line in done.stderr.splitlines()]
    assert [line.startswith(path) for line, path in zip(lines, paths, strict=True)] == [True] * 4
    assert "none of WAV" in lines[0]
    assert "empty" in lines[1]
    assert "a pipe or a device" in lines[2]
    assert "a pipe or a device" in lines[3]


def test_only_what_is_asked_for_is_loaded(tmp_path: Path) -> None:
    every = Settings(model_path=[MODELS], models=[], default_model="fake", weights_dir=tmp_path)
    assert serving_only(every, []).models == ["fake"]
    assert serving_only(every, ["fake-chaos@1"]).models == ["fake-chaos@1"]
    pulled_is_another = every.model_copy(update={"default_model": "musicnn-msd"})
    assert serving_only(pulled_is_another, []).models == []
    chosen = every.model_copy(update={"models": ["fake-chaos"]})
    assert serving_only(chosen, ["fake"]).models == ["fake-chaos"]


def test_missing_weights_name_the_command_that_helps(tmp_path: Path, music: Path) -> None:
    settings = {"SONOTYPE_MODELS": "musicnn-msd", "SONOTYPE_WEIGHTS_DIR": str(tmp_path / "empty")}
    done = run("analyze", str(music / "one.wav"), folder=tmp_path, **settings)
    assert done.returncode == 6
    assert "sonotype models pull musicnn-msd" in done.stderr


def test_busy_port_is_a_clear_error(tmp_path: Path) -> None:
    with serve(tmp_path) as service:
        done = run("serve", "--port", str(service.port), folder=tmp_path)
    assert done.returncode == 2
    assert "choose another port" in done.stderr


def test_doctor_tells_what_is_there(tmp_path: Path) -> None:
    checks = {c["name"]: c for c in json.loads(run("doctor", "--json", folder=tmp_path).stdout)}
    assert checks["torch"]["state"] == "ok"
    assert checks["torch"]["detail"].startswith("2.11")
    assert checks["cache"]["detail"] == "embedded SQLite answers"
    away = run("doctor", folder=tmp_path, SONOTYPE_REDIS_URL="redis://127.0.0.1:1/0")
    assert "Redis does not answer" in away.stdout
