"""The commands about prototypes, in this process and against a running service: the same documents, the same bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from cli_kit import CommandLine, Run
from fakeplane import FakePlane
from structlog.testing import capture_logs
from typer.testing import CliRunner

from prototype_models import make_model
from sonotype.cli.app import app as command_line
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.sonification import PathQuery, Rendering

PASSED, SILENT = "pecmae.cello.0", "pecmae.tenor-saxophone.1"


@pytest.fixture(params=["local", "remote"])
def run(request: pytest.FixtureRequest, plane: FakePlane, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("COLUMNS", "160")
    server = [] if request.param == "local" else ["--server", f"http://127.0.0.1:{port}"]
    # the service of this process would log into the stdout of the command
    with capture_logs():
        yield CommandLine(plane, *server)


async def test_list_and_show_print_the_documents_of_the_api(run: Run, client: httpx.AsyncClient) -> None:
    listed = await run("prototypes", "list", "--json", "--label", "cello", "--model", "pecmae")
    assert listed.exit_code == 0, listed.output
    assert json.loads(listed.stdout) == (await client.get("/v1/prototypes", params={"label": "cello"})).json()
    for prototype_id in (PASSED, SILENT):
        shown = await run("prototypes", "show", prototype_id, "--json")
        assert json.loads(shown.stdout) == (await client.get(f"/v1/prototypes/{prototype_id}")).json()


async def test_tables_name_what_matters(run: Run) -> None:
    listed = (await run("prototypes", "list")).stdout
    lines = {line.split()[0]: line for line in listed.splitlines() if line.startswith("pecmae.")}
    assert "passed" in lines[PASSED]
    assert "segment" in lines["pecmae.cello.1"]
    assert "nothing" in lines[SILENT]
    shown = (await run("prototypes", "show", PASSED)).stdout
    for said in ("passed the faithfulness gate", "prototype (seed 2)", "cosine 0.71", "cello-0.wav", "CC0-1.0", "3.30"):
        assert said in shown


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], ((PASSED, None, "wav"), "a.wav")),
        (["--kind", "segment"], ((PASSED, Rendering("segment"), "flac"), "a.flac")),
        (["--seed", "2", "--format", "mp3"], ((PASSED, Rendering("prototype", 2), "mp3"), "a.bin")),
    ],
)
async def test_audio_is_written_as_it_is(
    run: Run, plane: FakePlane, tmp_path: Path, options: list[str], asked: tuple[tuple[Any, ...], str]
) -> None:
    (rendering, name) = asked
    done = await run("prototypes", "audio", PASSED, "-o", str(tmp_path / name), "--json", *options)
    assert done.exit_code == 0, done.output
    assert plane.rendered == [rendering]
    file = await plane.prototype_audio(*rendering)
    assert (tmp_path / name).read_bytes() == file.data
    facts = json.loads(done.stdout)
    assert (facts["n_bytes"], facts["duration_s"], facts["id"]) == (len(file.data), 4.096, PASSED)
    assert facts["rendering"].startswith(file.rendering.kind)
    assert [path.name for path in tmp_path.iterdir()] == [name]


async def test_sonify_every_start(run: Run, plane: FakePlane, tmp_path: Path) -> None:
    song, vector, out = tmp_path / "song.wav", tmp_path / "vector.npy", tmp_path / "out.wav"
    song.write_bytes(b"RIFF")
    np.save(vector, np.array([[0.5, -1.0]], dtype=np.float32))
    common = ["-o", str(out), "--json"]
    mixed = await run("sonify", "--prototype", f"{PASSED}=2", "--prototype", SILENT, "--seed", "5", *common)
    assert mixed.exit_code == 0, mixed.output
    assert out.read_bytes() == plane.sonified_bytes()
    await run("sonify", "--embedding", str(vector), "--steps", "7", "--guidance", "0.5", "--timeout-s", "9", *common)
    await run("sonify", "--from", "cello", "--to", "flute", "--points", "3", "--format", "ogg", *common)
    kept = await run("sonify", str(song), "--to", "cello", "--points", "2", "--model", "pecmae", *common)
    facts = json.loads(kept.stdout)
    assert facts["segments"] == [{"label": "cello", "score": 0.912346}, {"label": "flute", "score": 0.456173}]
    assert (facts["model"], facts["seed"], facts["sample_rate_hz"]) == ("pecmae@1", 0, 16000)
    mixture, embedding, path, upload = plane.sonify_calls
    assert mixture[0].mixture == ((PASSED, 2.0), (SILENT, 1.0))
    assert mixture[0].seed == 5
    assert embedding[0].embedding == (0.5, -1.0)
    assert (embedding[0].steps, embedding[0].guidance, embedding[0].timeout_s) == (7, 0.5, 9.0)
    assert (path[0].path, path[0].format) == (PathQuery("flute", "cello", 3), "ogg")
    assert upload[1] is not None
    assert upload[1].data == b"RIFF"
    assert (upload[0].path, upload[0].model) == (PathQuery("cello", None, 2), "pecmae")


async def test_stdout_carries_sound_and_nothing_else(run: Run, plane: FakePlane) -> None:
    done = await run("sonify", "--prototype", PASSED, "-o", "-")
    assert done.stdout_bytes == plane.sonified_bytes()
    assert "cello 0.912" in done.stderr
    heard = await run("prototypes", "audio", PASSED, "-o", "-")
    assert len(heard.stdout_bytes) == 1000


async def test_a_sound_that_breaks_off_leaves_no_file(run: Run, plane: FakePlane, tmp_path: Path) -> None:
    plane.fail_at, plane.failure = 3, SonotypeError(Code.UNAVAILABLE, "The decoder went away.")
    done = await run("sonify", "--prototype", PASSED, "-o", str(tmp_path / "out.wav"))
    assert done.exit_code == 5
    assert "unavailable" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert plane.n_open == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prototypes", "show", "none"], "not_found"),
        (["prototypes", "list", "--model", "none"], "model_not_found"),
        (["prototypes", "audio", SILENT, "-o", "OUT"], "no such rendering"),
        (["prototypes", "audio", PASSED, "-o", "OUT", "--kind", "noise"], "kind"),
        (["prototypes", "audio", PASSED, "-o", "OUT", "--format", "aiff"], "wav, flac, ogg or mp3"),
        (["prototypes", "audio", PASSED, "-o", "/nowhere/at/all.wav"], "cannot be written"),
        (["sonify", "-o", "OUT"], "exactly one start"),
        (["sonify", "-o", "OUT", "--prototype", PASSED, "--embedding", "VECTOR"], "exactly one start"),
        (["sonify", "-o", "OUT", "--prototype", f"{PASSED}=much"], "not a number"),
        (["sonify", "-o", "OUT", "--prototype", f"{PASSED}=-1"], "weight"),
        (["sonify", "-o", "OUT", "--from", "cello"], "--to"),
        (["sonify", "-o", "OUT", "--embedding", "/nowhere.npy"], "NumPy"),
        (["sonify", "-o", "OUT", "--embedding", "MATRIX"], "one vector"),
        (["sonify", "-o", "OUT", "/nowhere.wav"], "cannot be read"),
    ],
)
async def test_mistakes_get_one_clear_line(
    run: Run, plane: FakePlane, tmp_path: Path, arguments: list[str], said: str
) -> None:
    places = {"OUT": tmp_path / "out.wav", "VECTOR": tmp_path / "v.npy", "MATRIX": tmp_path / "m.npy"}
    np.save(places["VECTOR"], np.zeros(3))
    np.save(places["MATRIX"], np.zeros((2, 2)))
    done = await run(*(str(places.get(argument, argument)) for argument in arguments))
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.stderr.split())
    assert not places["OUT"].exists()
    assert plane.sonify_calls == []


async def test_a_service_that_is_not_there(plane: FakePlane, tmp_path: Path) -> None:
    for arguments in (["prototypes", "list"], ["sonify", "--prototype", "a", "-o", str(tmp_path / "a.wav")]):
        command = [*arguments, "--server", "http://127.0.0.1:1"]
        done = await asyncio.to_thread(CliRunner().invoke, command_line, command)
        assert done.exit_code == 5
        assert "cannot be reached" in done.stderr


async def test_analyze_says_what_the_api_says(run: Run, client: httpx.AsyncClient, tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(b"RIFF....WAVE of sorts")
    done = await run("analyze", str(song), "--model", "pecmae", "--reasons", "2", "--timeline", "--format", "json")
    assert done.exit_code == 0, done.output
    params = {"model": "pecmae", "reasons_top_k": 2, "timeline": "true"}
    headers = {"content-type": "audio/wav"}
    rest = await client.post("/v1/analyze", params=params, content=song.read_bytes(), headers=headers)
    [document] = json.loads(done.stdout)
    assert document["results"] == rest.json()["results"]
    assert "reasons" in document["results"][0]


async def test_analyze_prints_reasons_with_bars(run: Run, tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(b"RIFF....WAVE of sorts")
    printed = (await run("analyze", str(song), "--model", "pecmae")).stdout
    reasons = json.loads((await run("analyze", str(song), "--model", "pecmae", "--format", "json")).stdout)[0]
    winner = reasons["results"][0]["reasons"]["labels"][0]
    assert f"why {winner['label']}: logit {winner['logit']:.3f}" in printed
    for share in [*winner["for"], *winner["against"]]:
        name = share["id"].removeprefix("pecmae.")
        line = next(line for line in printed.splitlines() if name in line and f"{share['evidence']:+.3f}" in line)
        assert ("█" if share["evidence"] > 0 else "▒") in line
    without = await run("analyze", str(song), "--model", "pecmae", "--reasons", "0")
    assert "why" not in without.stdout


def test_models_are_shown_with_what_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = make_model(tmp_path / "models")
    monkeypatch.setenv("SONOTYPE_MODEL_PATH", str(tmp_path / "models"))
    monkeypatch.setenv("COLUMNS", "160")
    command = CliRunner()
    rows = json.loads(command.invoke(command_line, ["models", "list", "--json"]).stdout)["models"]
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)
    row = next(row for row in rows if row["name"] == card.name)
    assert (row["pulled"], row["n_labels"]) == (True, len(card.labels))
    assert row["n_bytes"] == (tmp_path / "models" / card.name / "prototypes.safetensors").stat().st_size
    assert card.name in command.invoke(command_line, ["models", "list"]).stdout
    shown = command.invoke(command_line, ["models", "show", card.address]).stdout
    for said in ("the embedding vector of fake", "tenor saxophone", "25 steps", card.weights.sha256):
        assert said in shown
    document = json.loads(command.invoke(command_line, ["models", "show", card.name, "--json"]).stdout)
    assert (document["kind"], document["weights_path"] is not None) == ("prototypes", True)
    (tmp_path / "models" / card.name / "prototypes.safetensors").unlink()
    assert "missing" in command.invoke(command_line, ["models", "show", card.name]).stdout
