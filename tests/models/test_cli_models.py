"""`sonotype models`, as typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundles import https_card, sha256, tiny_safetensors
from file_server import FileServer, serving, status
from typer.testing import CliRunner, Result

from prototype_models import fake_backbone
from sonotype.cli.models import app
from sonotype.core.errors import TABLE, Code
from sonotype.models.card import Card
from sonotype.models.card_parts import SourceSpec
from versions_kit import write_head

DATA = tiny_safetensors()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(DATA) as files:
        yield files


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FileServer) -> Path:
    """An empty weights folder, and a repository with two small models beside the built-in ones."""
    for name in ("tiny", "small"):
        folder = tmp_path / "mine" / name
        folder.mkdir(parents=True)
        (folder / "card.toml").write_text(toml(https_card(name, DATA, [server.url])), encoding="utf-8")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SONOTYPE_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("SONOTYPE_MODEL_PATH", str(tmp_path / "mine"))
    monkeypatch.setenv("SONOTYPE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "weights"


def toml(card: Card) -> str:
    """A card as a file: JSON values are TOML values, nested tables are written inline."""

    def value(item: object) -> str:
        if isinstance(item, dict):
            return "{" + ", ".join(f"{json.dumps(key)} = {value(part)}" for key, part in item.items()) + "}"
        if isinstance(item, list):
            return "[" + ", ".join(map(value, item)) + "]"
        return json.dumps(item, ensure_ascii=False)

    fields = card.model_dump(mode="json", exclude_none=True)
    return "\n".join(f"{key} = {value(item)}" for key, item in fields.items()) + "\n"


def run(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(args))
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


def test_a_life_of_weights(weights: Path, server: FileServer) -> None:
    listed = json.loads(run("list", "--json").stdout)
    assert {row["name"]: row["pulled"] for row in listed["models"]} == {
        "instruments-pecmae": True,
        "musicnn-msd": False,
        "musicnn-mtt": False,
        "small": False,
        "tiny": False,
        "vgg-msd": False,
        "vgg-mtt": False,
        "yamnet": False,
    }
    assert "tiny@1: pulled, 16.5 kB" in run("pull", "tiny").stdout
    assert "tiny@1: already there" in run("pull", "tiny@1", "tiny").stdout
    (outcome,) = json.loads(run("pull", "small", "--json").stdout)
    path = weights / "small/1/model.safetensors"
    assert outcome == {
        "model": "small@1",
        "path": str(path),
        "n_bytes": len(DATA),
        "sha256": sha256(DATA),
        "fresh": True,
    }
    assert len(server.requests) == 1
    assert run("verify", "--all").stdout == "3 of 3 models are whole\n", "with the head that comes along"
    row = next(row for row in json.loads(run("list", "--json").stdout)["models"] if row["name"] == "tiny")
    assert row["pulled"]
    assert row["n_bytes"] == len(DATA)
    assert row["licence"] == "ISC"

    path.write_bytes(bytes(len(DATA)))
    broken = run("verify", "--all", "--json", code=TABLE[Code.WEIGHTS_CORRUPT].exit)
    assert [(it["model"], it["ok"], it.get("code")) for it in json.loads(broken.stdout)] == [
        ("small@1", False, "weights_corrupt"),
        ("tiny@1", True, None),
        ("instruments-pecmae@1", True, None),
    ]
    assert "small@1" in broken.stderr
    assert "[weights_corrupt]" in broken.stderr

    assert "small@1: removed" in run("remove", "small").stdout
    assert "small@1: was not pulled" in run("remove", "small").stdout
    freed = json.loads(run("remove", "--all", "--json").stdout)
    assert [it["model"] for it in freed] == ["tiny@1"]
    assert freed[0]["freed_bytes"] > 2 * len(DATA)  # the fetched file went too
    missing = run("verify", "tiny", code=TABLE[Code.WEIGHTS_MISSING].exit)
    assert "[weights_missing]" in missing.stderr


def test_heads_are_verified_in_every_version(weights: Path, tmp_path: Path) -> None:
    for version in ("1", "2"):
        write_head(tmp_path / "mine", version, fake_backbone())
    assert run("verify", "taste", "taste@1", "instruments-pecmae").stdout == "3 of 3 models are whole\n"
    (tmp_path / "mine/taste/1/head.safetensors").write_bytes(b"changed")
    assert run("verify", "taste").stdout == "1 of 1 models are whole\n"
    broken = run("verify", "--all", code=TABLE[Code.WEIGHTS_CORRUPT].exit)
    assert broken.stdout == "2 of 3 models are whole\n"
    assert "taste@1" in broken.stderr
    (tmp_path / "mine/taste/2/head.safetensors").unlink()
    assert "[weights_missing]" in run("verify", "taste", code=TABLE[Code.WEIGHTS_MISSING].exit).stderr


def test_weights_beside_their_card_are_verified(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "own"
    folder.mkdir()
    card = https_card("own", DATA, []).model_copy(update={"source": SourceSpec(kind="none")})
    (folder / "card.toml").write_text(toml(card), encoding="utf-8")
    assert "[weights_missing]" in run("verify", "own", code=TABLE[Code.WEIGHTS_MISSING].exit).stderr
    (folder / "model.safetensors").write_bytes(DATA)
    assert run("verify", "own").stdout == "1 of 1 models are whole\n"
    (folder / "model.safetensors").write_bytes(DATA + b" ")
    broken = run("verify", "--all", code=TABLE[Code.WEIGHTS_CORRUPT].exit)
    assert "own@1" in broken.stderr


def test_the_list_for_people(weights: Path) -> None:
    run("pull", "tiny")
    lines = {line.split()[0]: line for line in run("list").stdout.splitlines()}
    assert "MusiCNN · Million Song Dataset" in lines["musicnn-msd"]
    assert " no " in lines["musicnn-msd"]
    assert "3.2 MB" in lines["musicnn-msd"]
    assert " yes " in lines["tiny"]


def test_show(weights: Path) -> None:
    text = run("show", "musicnn-msd").stdout
    for part in ("MusiCNN · Million Song Dataset", "musicnn==0.1.0", "ISC", "pons2019musicnn", "periodic", "753"):
        assert part in text
    assert "not pulled" in text
    card = json.loads(run("show", "vgg-msd@1", "--json").stdout)
    assert card["network"]["options"] == {"pooling": "msd"}
    assert card["weights_path"] is None
    run("pull", "tiny")
    assert str(weights / "tiny/1/model.safetensors") in run("show", "tiny").stdout


@pytest.mark.parametrize("command", ["pull", "verify", "remove"])
def test_names_or_all(weights: Path, command: str) -> None:
    for args in ((), ("tiny", "--all")):
        assert "--all" in run(command, *args, code=TABLE[Code.INVALID_REQUEST].exit).stderr
    assert "[model_not_found]" in run(command, "nobody", code=TABLE[Code.MODEL_NOT_FOUND].exit).stderr


def test_errors_name_code_and_reason(weights: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.script = [status(404)]
    failed = run("pull", "tiny", code=TABLE[Code.SOURCE_UNREACHABLE].exit)
    assert failed.stdout == ""
    assert "404" in failed.stderr
    assert "[source_unreachable]" in failed.stderr
    monkeypatch.setenv("SONOTYPE_WEIGHTS_DIR", "/proc/nowhere")
    assert "weights folder" in run("pull", "tiny", code=TABLE[Code.INTERNAL].exit).stderr


def test_a_broken_card_is_named_and_the_others_listed(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "mine" / "broken").mkdir()
    (tmp_path / "mine" / "broken" / "card.toml").write_text("card_schema = 1\n")
    listed = run("list")
    assert "tiny" in listed.stdout
    assert "broken: " in listed.stderr
    assert [it["name"] for it in json.loads(run("list", "--json").stdout)["problems"]] == ["broken"]


def test_help_teaches_with_an_example() -> None:
    for command in ("list", "zoo", "pull", "show", "verify", "remove"):
        assert f"sonotype models {command}" in run(command, "--help").stdout
