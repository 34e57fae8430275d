"""`sonotype listen` as people type it: files, standard input, Ctrl-C, here and with a service."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from harness import MODELS, serve, tone
from sonotype.cli.app import app
from sonotype.cli.listen_view import Chart, bar


def command(folder: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    environment = os.environ | {
        "SONOTYPE_MODEL_PATH": str(MODELS),
        "SONOTYPE_MODELS": "fake",
        "SONOTYPE_DEFAULT_MODEL": "fake",
        "SONOTYPE_DATA_DIR": str(folder / "data"),
        "SONOTYPE_DEVICES": "cpu:1",
    }
    return [sys.executable, "-m", "sonotype", "listen", *arguments], environment


def listen(
    folder: Path, *arguments: str, given: bytes | None = None
) -> tuple[subprocess.CompletedProcess[bytes], list[dict]]:
    asked, environment = command(folder, *arguments)
    done = subprocess.run(asked, check=False, env=environment, input=given, capture_output=True, timeout=100)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_file_and_the_same_through_a_pipe_and_a_service_are_answered_alike(tmp_path: Path) -> None:
    file = tmp_path / "noise.wav"
    file.write_bytes(tone(3, 1))
    done, here = listen(tmp_path, str(file), "--fast", "--hop-s", "0.5", "--top-k", "2", "--smoothing-s", "0")
    assert done.returncode == 0, done.stderr
    assert [line["time_s"] for line in here] == [1.0, 1.5, 2.0, 2.5, 3.0]
    assert [len(line["models"][0]["tags"]) for line in here] == [2] * 5
    assert b"5 answers" in done.stderr
    with serve(tmp_path / "data", models="fake", devices="cpu:1", decode_workers=1) as served:
        served.wait_ready()
        remote = ("--server", served.url, "--model", "fake", "--hop-s", "0.5", "--top-k", "2", "--smoothing-s", "0")
        raw = ("--sample-format", "s16le", "--rate", "16000")
        _, there = listen(tmp_path, "-", *raw, *remote, given=tone(3, 1)[44:])
        assert [line["models"] for line in there] == [line["models"] for line in here]
        unreadable, _ = listen(tmp_path, "-", "--server", served.url, "--model", "fake", given=b"no audio" * 9000)
        assert (unreadable.returncode, b"unsupported_format" in unreadable.stderr) == (4, True)


def test_an_interrupt_ends_it_with_a_summary(tmp_path: Path) -> None:
    asked, environment = command(tmp_path, "-", "--sample-format", "s16le", "--rate", "16000")
    with subprocess.Popen(
        asked, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(bytes(32000))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["time_s"] == 1.0
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert b"1 answers" in process.stderr.read()


def test_what_cannot_be_opened_is_said_before_anything_starts(tmp_path: Path) -> None:
    nowhere = ["--server", "http://127.0.0.1:1"]
    for arguments, code, words in (
        ([str(tmp_path / "nothing.wav")], 2, "nothing.wav"),
        (["-", "--sample-format", "s16le"], 2, "sample_rate_hz"),
    ):
        done = CliRunner().invoke(app, ["listen", *arguments, *nowhere])
        assert (done.exit_code, words in done.output.replace("\n", "")) == (code, True), done.output


@pytest.mark.parametrize(
    ("score", "drawn"), [(0, ""), (1, "████"), (0.5, "██"), (0.53125, "██▏"), (2, "████"), (-1, "")]
)
def test_bars_are_an_eighth_of_a_cell_fine(score: float, drawn: str) -> None:
    assert bar(score, 4) == drawn


def test_the_chart_shows_time_lag_and_tags() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    tags = [{"label": "rock [x]", "score": 0.5, "raw": 0.4}]
    with Chart("song.mp3", enabled=True, console=console) as chart:
        chart.show({"time_s": 63.5, "lag_s": 0.021, "models": [{"model": "fake@1", "tags": tags}]})
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(part in text for part in ("song.mp3", "1:03.5", "21 ms", "rock [x]", "0.50"))
