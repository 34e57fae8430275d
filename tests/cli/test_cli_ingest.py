"""`sonotype ingest` and `sonotype jobs` as people type them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness import MODELS, Served, serve, tone
from sonotype.cli.app import app
from sonotype.cli.ingest_source import locate
from sonotype.cli.wiring import Wiring
from sonotype.core.errors import SonotypeError

FAKE = {"catalog_embedding": "fake@vector", "default_model": "fake", "devices": "cpu:1"}


def run(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "SONOTYPE_MODEL_PATH": str(MODELS),
        "SONOTYPE_MODELS": "fake",
        "SONOTYPE_DATA_DIR": str(folder / "mine"),
        "COLUMNS": "200",
        **{f"SONOTYPE_{name.upper()}": value for name, value in FAKE.items()},
    }
    command = [sys.executable, "-m", "sonotype", *arguments]
    return subprocess.run(command, check=False, env=environment | settings, capture_output=True, text=True, timeout=100)


def call(*arguments: str, folder: Path) -> Any:
    """The same without a process, for what only talks to a service."""
    wired = Wiring(serve=_nothing, open_plane=_nothing)  # type: ignore[arg-type]
    environment = {"SONOTYPE_DATA_DIR": str(folder / "mine"), "COLUMNS": "200"}
    return CliRunner().invoke(app, list(arguments), obj=wired, env=environment)


def _nothing(*_: object, **__: object) -> None:
    raise AssertionError("this is for services only")


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    (folder / "album").mkdir()
    for number, name in enumerate(("one.wav", "album/two.wav", "album/three.wav")):
        (folder / name).write_bytes(tone(0.5, number))
    (folder / "broken.wav").write_bytes(b"no sound")
    (folder / "out.wav").symlink_to("/etc/passwd")
    (folder / "list.csv").write_text("path,title,tags\none.wav,First,a|b\nmissing.wav,,\n")
    (folder / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,Ann - Second\nalbum/two.wav\n")
    return folder


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, music: Path) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("service"), models="fake", ingest_root=music, **FAKE) as served:
        served.wait_ready()
        served.wait_until(lambda client: client.get("/v1/jobs").status_code == 200)
        yield served


def test_a_folder_twice_in_process(tmp_path: Path, music: Path) -> None:
    first = run("ingest", str(music), "--root", str(music), folder=tmp_path)
    assert first.returncode == 4
    assert "completed with errors: 3 stored, 1 skipped, 1 failed" in first.stdout
    assert "broken.wav" in first.stderr
    assert "unsupported_format" in first.stderr
    assert "out.wav: It is a link" in first.stderr
    again = run("ingest", str(music / "album"), "--root", str(music), "--format", "jsonl", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    files = [json.loads(line) for line in again.stdout.splitlines()]
    assert [(file["path"], file["state"]) for file in files] == [
        ("album/three.wav", "unchanged"),
        ("album/two.wav", "unchanged"),
    ]
    assert not list((tmp_path / "mine" / "ingest").iterdir()), "a journal was left behind"


def _uploads(service: Served) -> float:
    """How many tracks were sent to a service."""
    text = service.client().get("/metrics").text
    sent = re.findall(r'sonotype_http_requests_total\{code="20\d",method="POST",route="/v1/tracks"\} (\S+)', text)
    return sum(map(float, sent))


def test_lists_go_to_a_service(tmp_path: Path, music: Path, service: Served) -> None:
    options = ["--root", str(music), "--collection", "remote", "--server", service.url, "--format", "json"]
    done = call("ingest", str(music / "list.csv"), *options, folder=tmp_path)
    assert done.exit_code == 2, done.stderr
    answer = json.loads(done.stdout)
    assert answer["job"]["counts"] == {"pending": 0, "stored": 1, "unchanged": 0, "skipped": 0, "failed": 1}
    assert [file["code"] for file in answer["files"]] == [None, "not_found"]
    assert call("ingest", str(music / "list.m3u8"), *options, folder=tmp_path).exit_code == 0
    calls = _uploads(service)
    again = json.loads(call("ingest", str(music / "list.m3u8"), *options, folder=tmp_path).stdout)
    assert again["job"]["counts"]["unchanged"] == again["job"]["total"] > 0, "asked first"
    assert _uploads(service) == calls, "nothing was uploaded"
    tracks = service.client().get("/v1/tracks", params={"collection": "remote"}).json()["tracks"]
    told = [{name: track["metadata"][name] for name in ("external_id", "title", "artist", "tags")} for track in tracks]
    assert told == [
        {"external_id": "one.wav", "title": "First", "artist": None, "tags": ["a", "b"]},
        {"external_id": "album/two.wav", "title": "Second", "artist": "Ann", "tags": []},
    ]


def test_a_service_that_refuses_leaves_the_journal(tmp_path: Path, music: Path) -> None:
    """The key is refused: nothing can be stored, and nothing is marked as failed."""
    with serve(tmp_path, models="fake", api_keys="right", **FAKE) as guarded:
        guarded.wait_until(lambda client: client.get("/readyz").status_code == 200)
        command = ["ingest", str(music / "album"), "--server", guarded.url]
        refused = call(*command, "--api-key", "wrong", folder=tmp_path)
        assert refused.exit_code == 3
        assert "give the same command again" in refused.stderr
        done = call(*command, "--api-key", "right", folder=tmp_path)
        assert done.exit_code == 0, done.stderr
        assert "going on with a run that was stopped: 0 of 2" in done.stderr
        assert "completed: 2 stored" in done.stdout


def test_jobs_of_a_service(tmp_path: Path, service: Served) -> None:
    at = ("--server", service.url)
    watched = call("jobs", "start", "--watch", *at, folder=tmp_path)
    assert watched.exit_code == 4
    assert "completed with errors: 3 stored, 1 skipped, 1 failed" in watched.stdout
    started = json.loads(call("jobs", "start", "album", "--format", "json", *at, folder=tmp_path).stdout)
    followed = call("jobs", "watch", started["id"], "--format", "json", *at, folder=tmp_path)
    assert followed.exit_code == 0, followed.stderr
    assert json.loads(followed.stdout)["job"]["counts"]["unchanged"] == 2
    listed = call("jobs", "list", "--format", "jsonl", *at, folder=tmp_path).stdout.splitlines()
    assert [json.loads(line)["path"] for line in listed] == ["album", ""]
    assert started["id"] in call("jobs", "list", *at, folder=tmp_path).stdout
    assert "2 unchanged" in call("jobs", "show", started["id"], *at, folder=tmp_path).stdout
    first = json.loads(listed[1])["id"]
    failed = call("jobs", "files", first, "--state", "failed", "--format", "json", *at, folder=tmp_path)
    assert [file["path"] for file in json.loads(failed.stdout)["files"]] == ["broken.wav"]
    assert "album/two.wav" in call("jobs", "files", first, *at, folder=tmp_path).stdout
    cancelled = call("jobs", "cancel", first, *at, folder=tmp_path)
    assert (cancelled.exit_code, "ended" in cancelled.stderr) == (2, True)
    for wrong in (("show", "nobody"), ("start", "../etc"), ("start", "out.wav"), ("start", "nothing")):
        refused = call("jobs", *wrong, *at, folder=tmp_path)
        assert refused.exit_code in (2, 3), wrong
        assert refused.stderr.startswith("error: ")


def test_what_is_no_good_is_said_before_anything_starts(tmp_path: Path, music: Path) -> None:
    for wrong in (
        [str(tmp_path / "nothing")],
        [str(music), "--root", str(tmp_path)],
        [str(music), "--collection", "a b"],
    ):
        refused = call("ingest", *wrong, folder=tmp_path)
        assert refused.exit_code == 2
        assert "invalid_request" in refused.stderr
    for command in (("ingest",), ("jobs",), ("jobs", "start")):
        assert "Example" in call(*command, "--help", folder=tmp_path).stdout or command == ("jobs",)


def test_names_never_collide_by_default(tmp_path: Path) -> None:
    for album in ("a", "b"):
        (tmp_path / album).mkdir()
        (tmp_path / album / "01.wav").touch()
    first, second = (locate(tmp_path / album, None, None) for album in ("a", "b"))
    assert first.prefix == f"{tmp_path.resolve()}/a/"
    assert first.prefix != second.prefix
    assert first.journal(tmp_path, "c", None) != second.journal(tmp_path, "c", None)
    inside = locate(tmp_path / "a", None, tmp_path)
    assert (inside.folder, inside.path, inside.prefix, inside.keeps_source) == (tmp_path.resolve(), "a", "", True)
    rooted = locate(tmp_path / "a" / "01.wav", tmp_path, None)
    assert (rooted.path, rooted.prefix, rooted.keeps_source) == ("a/01.wav", "", False)
    with pytest.raises(SonotypeError, match="does not lie in"):
        locate(tmp_path / "a", tmp_path / "b", None)
