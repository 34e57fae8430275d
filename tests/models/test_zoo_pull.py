"""Models of the zoo, as typed: licences, downloads that break, and folders that are whole or not there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch
from bundles import https_card, sha256, tiny_safetensors
from file_server import FileServer, cut_after, serving, status
from maest_zoo_kit import LABELS, SMALL, random_state, tensors, write_ckpt, write_safetensors
from typer.testing import CliRunner, Result

from sonotype.cli import licences
from sonotype.cli.models import app
from sonotype.core.errors import TABLE, Code
from sonotype.core.settings import Settings
from sonotype.models.card import Card
from sonotype.models.card_parts import LicenceSpec
from sonotype.models.nets.build import build_with_weights
from sonotype.models.registry import Registry
from sonotype.models.repository import repositories
from sonotype.models.zoo import installed
from sonotype.models.zoo.installed import card_text
from sonotype.models.zoo.maest_card import LICENCE

NAME = "small-maest"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("published") / "small-swa.ckpt"
    return write_ckpt(path, tensors(random_state())).read_bytes()


@pytest.fixture
def server(checkpoint: bytes) -> Iterator[FileServer]:
    with serving(checkpoint) as files:
        yield files


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FileServer, checkpoint: bytes) -> Path:
    """A machine with nothing on it, and a repository with a zoo of its own."""
    for name, value in {
        "NO_PROXY": "127.0.0.1",
        "COLUMNS": "200",
        "SONOTYPE_WEIGHTS_DIR": str(tmp_path / "weights"),
        "SONOTYPE_DATA_DIR": str(tmp_path / "data"),
        "SONOTYPE_MODEL_PATH": str(tmp_path / "mine"),
    }.items():
        monkeypatch.setenv(name, value)
    zoo(tmp_path, server, checkpoint)
    return tmp_path


def zoo(home: Path, server: FileServer, data: bytes, **changes: Any) -> None:
    """Write the catalogue: one small MAEST, as a checkpoint of known hash and as safetensors of unknown hash."""
    known = {"format": "checkpoint", "urls": [f"{server.url}/small-swa.ckpt"], "sha256": sha256(data)}
    model = {
        "name": NAME,
        "family": "maest",
        "title": "small",
        "labels": list(LABELS),
        "licence": "maest",
        "options": {name: value for name, value in SMALL.options().items() if name != "head_dist"},
        "sources": [known, {"format": "safetensors", "urls": [f"{server.url}/model.safetensors"]}],
    }
    fields = {
        "zoo_schema": 1,
        "licences": {"maest": LICENCE.model_dump()},
        "model": [model | changes],
    }
    (home / "mine").mkdir(exist_ok=True)
    (home / "mine" / "zoo.toml").write_text(tomli_w.dumps(fields), encoding="utf-8")


def run(*args: str, code: int = 0, typed: str | None = None) -> Result:
    result = CliRunner().invoke(app, list(args), input=typed)
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    return result


def fails(code: Code, *args: str, typed: str | None = None) -> str:
    result = run(*args, code=TABLE[code].exit, typed=typed)
    assert f"[{code}]" in result.stderr
    assert result.stdout.strip() == (typed or "").strip()  # what is typed is shown there
    return result.stderr


def nothing_installed(home: Path) -> bool:
    """No model, not half of one, and nothing fetched that is of no use."""
    models, downloads = home / "data" / "models", home / "weights" / "downloads"
    left = [*models.rglob("*")] if models.exists() else []
    return not left and (not downloads.exists() or not any(downloads.iterdir()))


def test_nothing_is_fetched_before_the_licence_is_accepted(home: Path, server: FileServer) -> None:
    said = fails(Code.LICENCE_NOT_ACCEPTED, "pull", NAME)
    for part in (LICENCE.spdx, "not for commercial use", LICENCE.holder, LICENCE.url, "--accept-license"):
        assert part in said
    assert server.requests == []
    assert nothing_installed(home)


def test_a_life_of_a_published_model(home: Path, server: FileServer, checkpoint: bytes) -> None:
    result = run("pull", NAME, "--accept-license")
    assert f"{NAME}@1: pulled" in result.stdout
    assert "not for commercial use" in result.stderr  # shown all the same
    folder = home / "data" / "models" / NAME
    assert sorted(path.name for path in folder.iterdir()) == ["card.toml", "model.safetensors", "receipt.json"]
    assert not any((home / "weights" / "downloads").iterdir())  # 344 MB of a real one are of no further use
    receipt = json.loads((folder / "receipt.json").read_text())
    assert receipt["source_sha256"] == sha256(checkpoint)
    assert receipt["sha256"] == sha256((folder / "model.safetensors").read_bytes())
    assert receipt["acceptance"]["spdx"] == "CC-BY-NC-SA-4.0"
    assert receipt["acceptance"]["manner"] == "flag"
    assert receipt["acceptance"]["by"]
    assert receipt["acceptance"]["at"].endswith("+00:00")

    registry = Registry(repositories(Settings()), Settings().weights_dir)
    card = registry.get(NAME)
    assert registry.is_pulled(card)
    net = build_with_weights(card, registry.weights_path(card) or Path())
    with torch.inference_mode():
        assert net(torch.rand(1, 46, 96))["tags"].shape == (1, 5)

    # it is there: neither the licence nor the server is asked again
    (outcome,) = json.loads(run("pull", f"{NAME}@1", "--json").stdout)
    assert outcome["fresh"] is False
    assert outcome["path"] == str(folder / "model.safetensors")
    assert len(server.requests) == 1
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)["models"]}
    assert rows[NAME]["pulled"]
    assert rows[NAME]["commercial"] is False
    assert run("verify", NAME).stdout == "1 of 1 models are whole\n"

    (folder / "model.safetensors").write_bytes(b"changed")
    assert "[weights_corrupt]" in run("verify", "--all", code=TABLE[Code.WEIGHTS_CORRUPT].exit).stderr
    assert "pulled" in run("pull", NAME, "--accept-license").stdout
    assert run("verify", NAME).stdout == "1 of 1 models are whole\n"
    assert f"{NAME}@1: removed" in run("remove", NAME).stdout
    assert nothing_installed(home)
    assert "[model_not_found]" in run("verify", NAME, code=TABLE[Code.MODEL_NOT_FOUND].exit).stderr


def test_further_versions_in_the_folder_of_a_published_model_stay(home: Path, server: FileServer) -> None:
    folder = home / "data" / "models" / NAME
    run("pull", NAME, "--accept-license")
    shutil.copytree(folder, home / "own")
    shutil.move(home / "own", folder / "2")
    own = folder / "2" / "card.toml"
    own.write_text(own.read_text().replace('version = "1"', 'version = "2"'))
    (folder / "2" / "receipt.json").unlink()
    before = {path.name: path.read_bytes() for path in (folder / "2").iterdir()}
    (folder / "model.safetensors").write_bytes(b"changed")
    run("pull", NAME, "--accept-license")
    assert {path.name: path.read_bytes() for path in (folder / "2").iterdir()} == before
    installed.verify(folder)
    assert installed.remove(folder) > len(before["model.safetensors"])
    assert {path.name: path.read_bytes() for path in (folder / "2").iterdir()} == before
    assert [path.name for path in folder.iterdir()] == ["2"]


def test_the_zoo_is_listed(home: Path, server: FileServer) -> None:
    rows = {row["name"]: row for row in json.loads(run("zoo", "--json").stdout)["models"]}
    assert rows[NAME]["pulled"] is False
    assert rows[NAME]["sources"][1]["sha256"] is None
    assert rows["discogs-maest-30s-pw-129e"]["n_bytes"] == 344_148_150
    run("pull", NAME, "--accept-license")
    words = {line.split()[0]: line.split() for line in run("zoo").stdout.splitlines()}
    assert words[NAME][-3:] == ["yes", "checkpoint", "safetensors*"]
    assert "no" in words["discogs-maest-5s-pw-129e"]


@pytest.mark.parametrize(("setting", "accepted"), [("cc-by-nc-sa-4.0, MIT", True), ("CC-BY-4.0", False)])
def test_a_container_accepts_by_its_settings(
    setting: str, accepted: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONOTYPE_ACCEPT_LICENSE", setting)
    if accepted:
        run("pull", NAME)
        receipt = json.loads((home / "data" / "models" / NAME / "receipt.json").read_text())
        assert receipt["acceptance"]["manner"] == "setting"
    else:
        fails(Code.LICENCE_NOT_ACCEPTED, "pull", NAME)
        assert nothing_installed(home)


@pytest.mark.parametrize(("typed", "accepted"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_person_is_asked(typed: str, accepted: bool, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licences, "at_a_terminal", lambda: True)
    if accepted:
        result = run("pull", NAME, typed=typed)
        receipt = json.loads((home / "data" / "models" / NAME / "receipt.json").read_text())
        assert receipt["acceptance"]["manner"] == "prompt"
        assert "Do you accept CC-BY-NC-SA-4.0?" in result.stderr
    else:
        fails(Code.LICENCE_NOT_ACCEPTED, "pull", NAME, typed=typed)
        assert nothing_installed(home)


def test_a_commercial_deployment_is_not_even_asked(
    home: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONOTYPE_COMMERCIAL", "true")
    assert "this deployment is commercial" in fails(Code.FORBIDDEN, "pull", NAME, "--accept-license")
    assert server.requests == []


def test_a_broken_download_is_continued(home: Path, server: FileServer) -> None:
    server.script = [cut_after(100_000)]
    run("pull", NAME, "--accept-license")
    assert server.ranges() == [None, "bytes=100000-"]
    assert run("verify", NAME).stdout == "1 of 1 models are whole\n"


def test_what_one_call_left_the_next_one_continues(home: Path, server: FileServer) -> None:
    server.script = [cut_after(100_000), status(404)]
    assert "404" in fails(Code.SOURCE_UNREACHABLE, "pull", NAME, "--accept-license")
    assert not (home / "data" / "models").exists()
    run("pull", NAME, "--accept-license")
    assert server.ranges() == [None, "bytes=100000-", "bytes=100000-"]


def test_another_file_is_not_believed(home: Path, server: FileServer, checkpoint: bytes) -> None:
    server.data = checkpoint[:-1] + b"x"
    assert "not the one" in fails(Code.WEIGHTS_CORRUPT, "pull", NAME, "--accept-license")
    assert nothing_installed(home)


def test_a_file_that_is_too_long_is_cut_off(home: Path, server: FileServer, checkpoint: bytes) -> None:
    known = {"format": "checkpoint", "urls": [server.url], "sha256": sha256(checkpoint), "n_bytes": 1000}
    zoo(home, server, checkpoint, sources=[known])
    assert "more than 1000 bytes" in fails(Code.WEIGHTS_CORRUPT, "pull", NAME, "--accept-license")
    assert nothing_installed(home)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": list(LABELS[:4])}, "labels must be 4, not 5"),
        ({"labels": list(LABELS), "options": {"columns": 5, "width": 64, "depth": 2, "heads": 1}}, "columns must be 5"),
    ],
)
def test_the_right_file_of_the_wrong_model(
    changes: dict[str, Any], says: str, home: Path, server: FileServer, checkpoint: bytes
) -> None:
    zoo(home, server, checkpoint, **changes)
    said = fails(Code.WEIGHTS_CORRUPT, "pull", NAME, "--accept-license")
    assert says in said
    assert "small-swa.ckpt" in said  # the name that people know, not the hash that it is kept by
    assert nothing_installed(home)


def test_a_catalogue_that_cannot_be_followed(home: Path, server: FileServer, checkpoint: bytes) -> None:
    zoo(home, server, checkpoint, options={"size": "large"})
    assert "describes" in fails(Code.INVALID_REQUEST, "pull", NAME, "--accept-license")
    zoo(home, server, checkpoint, family="nobody")
    assert "nobody" in fails(Code.INVALID_REQUEST, "pull", NAME, "--accept-license").lower()
    assert not (home / "data" / "models").exists()


def test_a_form_without_a_known_hash(home: Path, server: FileServer, tmp_path: Path) -> None:
    server.data = write_safetensors(tmp_path / "a.safetensors", random_state()).read_bytes()
    form = ("pull", NAME, "--accept-license", "--format", "safetensors")
    assert "--sha256 HEX" in fails(Code.INVALID_REQUEST, *form)
    assert "64 hexadecimal digits" in fails(Code.INVALID_REQUEST, *form, "--sha256", "abc")
    assert server.requests == []
    fails(Code.WEIGHTS_CORRUPT, *form, "--sha256", "0" * 64)
    assert nothing_installed(home)
    run(*form, "--sha256", sha256(server.data).upper())
    receipt = json.loads((home / "data" / "models" / NAME / "receipt.json").read_text())
    assert receipt["format"] == "safetensors"


def test_a_known_hash_cannot_be_talked_away(home: Path, server: FileServer) -> None:
    assert "another hash" in fails(Code.INVALID_REQUEST, "pull", NAME, "--accept-license", "--sha256", "0" * 64)
    assert "exactly one" in fails(Code.INVALID_REQUEST, "pull", NAME, "musicnn-msd", "--sha256", "0" * 64)
    assert "not 'pb'" in fails(Code.INVALID_REQUEST, "pull", NAME, "--format", "pb")
    assert "no model named 'nobody'." in fails(Code.MODEL_NOT_FOUND, "pull", "nobody")
    published = "discogs-maest-5s-pw-129e"
    assert f"sonotype models pull {published}" in fails(Code.MODEL_NOT_FOUND, "show", published)
    assert server.requests == []


def closed_card(home: Path, server: FileServer, data: bytes) -> Card:
    """A card of the registry, not of the zoo, whose weights are not for commercial use."""
    closed = LicenceSpec(spdx="CC-BY-NC-4.0", commercial=False, holder="them")
    card = https_card("closed", data, [server.url]).model_copy(update={"licence": closed})
    (home / "mine" / "closed").mkdir()
    (home / "mine" / "closed" / "card.toml").write_text(card_text(card), encoding="utf-8")
    return card


def test_all_leaves_out_what_nobody_has_accepted(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sonotype.models.registry.builtin_repository", lambda: tmp_path / "none")
    data = tiny_safetensors()
    with serving(data) as server:
        card = closed_card(home, server, data)
        result = run("pull", "--all")
        assert result.stdout == ""
        assert "left out" in result.stderr
        assert "CC-BY-NC-4.0" in result.stderr
        fails(Code.LICENCE_NOT_ACCEPTED, "pull", "closed")
        assert server.requests == []
        monkeypatch.setenv("SONOTYPE_ACCEPT_LICENSE", card.licence.spdx)
        assert "closed@1: pulled" in run("pull", "--all").stdout
    receipt = json.loads((home / "weights" / "closed" / "1" / "receipt.json").read_text())
    assert receipt["acceptance"]["manner"] == "setting"
    assert not (home / "data" / "models").exists()  # the zoo is pulled by name only


def test_a_file_that_is_already_here(home: Path, checkpoint: bytes, tmp_path: Path) -> None:
    file = tmp_path / "renamed.bin"
    file.write_bytes(checkpoint)
    out = tmp_path / "mine" / "imported"
    args = ("import", "maest", str(file), "--out", str(out))
    result = run(*args)  # known by its hash: labels, title and licence come from the zoo
    assert "imported@1" in result.stdout
    assert "CC-BY-NC-SA-4.0" in result.stderr
    card = Registry([tmp_path / "mine"], tmp_path / "weights").get("imported")
    assert (card.title, card.labels, card.licence.commercial) == ("small", LABELS, False)
    assert "--replace" in fails(Code.INVALID_REQUEST, *args)
    run(*args, "--replace", "--arch", NAME)
    assert "its licence is" in fails(Code.INVALID_REQUEST, *args, "--replace", "--license", "MIT", "--commercial")
    assert "no MAEST named" in fails(Code.INVALID_REQUEST, *args, "--replace", "--arch", "nobody")
    assert "labels must be 400, not 5" in fails(
        Code.WEIGHTS_CORRUPT, *args, "--replace", "--arch", "discogs-maest-30s-pw-129e"
    )
    assert Registry([tmp_path / "mine"], tmp_path / "weights").get("imported") == card


def test_weights_of_your_own(home: Path, tmp_path: Path) -> None:
    file = write_ckpt(tmp_path / "own.ckpt", {"state_dict": tensors(random_state(seed=3), "net_swa.")})
    (tmp_path / "labels.txt").write_text("\n".join("vwxyz"))
    out = str(tmp_path / "mine" / "own")
    assert "5 outputs" in fails(Code.INVALID_REQUEST, "import", "maest", str(file), "--out", out)
    terms = ("--license", "Apache-2.0", "--commercial")
    run("import", "maest", str(file), "--out", out, "--labels", str(tmp_path / "labels.txt"), "--seconds", "5", *terms)
    card = Registry([tmp_path / "mine"], tmp_path / "weights").get("own")
    assert card.labels == tuple("vwxyz")
    assert card.patch.frames == 316
    assert card.licence.commercial
