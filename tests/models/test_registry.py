"""The registry: what there is, what is broken, and that nothing shadows anything in silence."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bundles import https_card, tiny_safetensors
from file_server import serving

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.registry import Registry
from sonotype.models.repository import builtin_repository
from sonotype.models.weights import store

BUILTIN = ["musicnn-msd", "musicnn-mtt", "vgg-msd", "vgg-mtt"]
CARD = (builtin_repository() / "musicnn-msd" / "card.toml").read_text(encoding="utf-8")


def add(repository: Path, name: str, text: str | None = None) -> Path:
    folder = repository / name
    folder.mkdir(parents=True)
    text = CARD.replace('name = "musicnn-msd"', f'name = "{name}"') if text is None else text
    (folder / "card.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_built_in_models(tmp_path: Path) -> None:
    registry = Registry([], tmp_path)
    assert [name for name in registry.cards() if name in BUILTIN] == BUILTIN
    assert registry.problems == ()
    for name in BUILTIN:
        card = registry.get(name)
        assert registry.get(card.address) is card
        assert len(card.labels) == len(set(card.labels)) == 50
        assert card.default_frontend == "musicnn"
        assert card.licence.spdx == "ISC"
        assert "pons2019musicnn" in card.citation
        assert not registry.is_pulled(card)


def test_front_ends_differ_in_three_things(tmp_path: Path) -> None:
    for card in (Registry([], tmp_path).get(name) for name in BUILTIN):
        ours, theirs = (card.frontends[name].model_dump() for name in ("musicnn", "essentia"))
        different = {key: (ours[key], theirs[key]) for key in ours if ours[key] != theirs[key]}
        assert different == {
            "window": ("periodic", "symmetric"),
            "padding": ("reflect", "zero"),
            "frames": ("floor", "ceil"),
        }


def test_labels_keep_the_order_of_the_checkpoints(tmp_path: Path) -> None:
    registry = Registry([], tmp_path)
    assert registry.get("musicnn-msd").labels == registry.get("vgg-msd").labels
    assert registry.get("musicnn-mtt").labels == registry.get("vgg-mtt").labels
    ends = {name: registry.get(name).labels[:2] + registry.get(name).labels[-2:] for name in ("vgg-msd", "vgg-mtt")}
    assert ends["vgg-msd"] == ("rock", "pop", "House", "happy")
    assert ends["vgg-mtt"] == ("guitar", "classical", "female voice", "choral")


def test_unknown_models_and_versions(tmp_path: Path) -> None:
    registry = Registry([], tmp_path)
    for address in ("nothing", "", "musicnn-msd@2", "@1", "x" * 10_000, "musicnn-msd@" + "1" * 10_000):
        with pytest.raises(SonotypeError) as caught:
            registry.get(address)
        assert caught.value.code is Code.MODEL_NOT_FOUND
        assert len(caught.value.detail) < 200


def test_further_repositories(tmp_path: Path) -> None:
    add(tmp_path / "mine", "tagger")
    (tmp_path / "mine" / "notes").mkdir()
    registry = Registry([tmp_path / "mine", tmp_path / "mine", builtin_repository()], tmp_path)
    assert set(registry.cards()) >= {"tagger", *BUILTIN}
    assert list(Registry([tmp_path / "mine"], tmp_path, builtin=False).cards()) == ["tagger"]
    assert registry.problems == ()


def test_no_repository_shadows_another(tmp_path: Path) -> None:
    add(tmp_path / "mine", "musicnn-msd")
    with pytest.raises(SonotypeError, match="Two model repositories hold a model named 'musicnn-msd'") as caught:
        Registry([tmp_path / "mine"], tmp_path)
    assert caught.value.code is Code.INVALID_REQUEST


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("this is not toml", "cannot be read"),
        ("card_schema = 1", "Field required"),
        (CARD, "the card is named 'musicnn-msd', its folder 'broken'"),
        (CARD.replace("musicnn-msd", "broken") + "\n[surprise]\n", "surprise: Extra inputs"),
        (CARD.replace("musicnn-msd", "broken").replace('"pop"', '"rock"'), "labels are the same"),
        (
            CARD.replace("musicnn-msd", "broken").replace('version = "1"', f'version = "{"1" * 5000}"', 1),
            "80 characters",
        ),
        (f"x = {'[' * 20_000}", "cannot be read"),
        (CARD.replace("musicnn-msd", "../etc"), "name: String should match"),
        (CARD.replace("musicnn-msd", "broken").replace('sha256 = "f', '# "f'), "source.sha256"),
        (CARD.replace("musicnn-msd", "broken").replace('sha256 = "f', 'sha256 = "../'), "source.sha256: String"),
    ],
)
def test_a_broken_card_stands_alone(text: str, reason: str, tmp_path: Path) -> None:
    add(tmp_path / "mine", "broken", text)
    add(tmp_path / "mine", "whole")
    registry = Registry([tmp_path / "mine"], tmp_path)
    assert "whole" in registry.cards()
    assert "broken" not in registry.cards()
    (problem,) = registry.problems
    assert problem.name == "broken"
    assert reason in problem.reason


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    folder = add(tmp_path / "mine", "broken")
    (folder / "card.toml").write_bytes(b"\xff\xfe\x00")
    assert [problem.name for problem in Registry([tmp_path / "mine"], tmp_path).problems] == ["broken"]


def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    registry = Registry([tmp_path / "gone"], tmp_path)
    assert set(registry.cards()) >= set(BUILTIN)
    assert [problem.reason for problem in registry.problems] == ["no such model repository"]


def test_pulled_weights_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    registry = Registry([], tmp_path)
    data = tiny_safetensors()
    with serving(data) as server:
        card = https_card("tiny", data, [server.url])
        assert registry.weights_path(card) is None
        store.pull(card, tmp_path)
    assert registry.weights_path(card) == tmp_path / "tiny/1/model.safetensors"
    assert registry.is_pulled(card)


def test_weights_beside_their_card(tmp_path: Path) -> None:
    source = CARD.index("[source]")
    licence = CARD.index("[licence]")
    own = (CARD[:source] + '[source]\nkind = "none"\n\n' + CARD[licence:]).replace("musicnn-msd", "own")
    folder = add(tmp_path / "mine", "own", own)
    registry = Registry([tmp_path / "mine"], tmp_path, builtin=False)
    card = registry.get("own")
    assert not registry.is_pulled(card)
    shutil.copy(__file__, folder / "model.safetensors")
    assert registry.weights_path(card) == folder / "model.safetensors"
    fake = card.model_copy(update={"weights": None})
    assert registry.weights_path(fake) is None
    assert registry.is_pulled(fake)


def test_the_registry_needs_neither_torch_nor_a_client(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from sonotype.models.registry import Registry;"
        f"assert Registry([], Path({str(tmp_path)!r})).cards();"
        "print([name for name in ('torch', 'openvino', 'httpx', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def add_version(repository: Path, name: str, version: str) -> Path:
    """A version in a folder of its own."""
    text = CARD.replace('name = "musicnn-msd"', f'name = "{name}"').replace('version = "1"', f'version = "{version}"')
    folder = repository / name / version
    folder.mkdir(parents=True)
    (folder / "card.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_newest_version_is_current(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    add(mine, "tagger")
    for version in ("10", "9", "1.5"):
        add_version(mine, "tagger", version)
    (mine / "tagger" / "11").mkdir()  # no card yet: not a version yet
    shutil.copytree(mine / "tagger" / "9", mine / ".unfinished" / "9")
    registry = Registry([mine], tmp_path, builtin=False)
    assert registry.problems == ()
    assert list(registry.versions("tagger")) == ["1", "1.5", "9", "10"]
    assert registry.get("tagger").address == "tagger@10"
    assert list(registry.cards()) == ["tagger"]
    assert registry.folder(registry.find("tagger@9")) == mine / "tagger" / "9"
    assert registry.folder(registry.find("tagger@1")) == mine / "tagger"
    with pytest.raises(SonotypeError, match=r"has the versions 1, 1\.5, 9, 10, not '11'"):
        registry.find("tagger@11")
    assert registry.versions("nobody") == {}


def test_a_pinned_version_is_current(tmp_path: Path) -> None:
    for version in ("1", "2"):
        add_version(tmp_path / "mine", "tagger", version)
    registry = Registry([tmp_path / "mine"], tmp_path, builtin=False)
    other = registry.copy()
    other.pin("tagger", "1")
    assert (other.get("tagger").version, registry.get("tagger").version) == ("1", "2")
    assert other.find("tagger@2").version == "2"
    for name, version in (("tagger", "3"), ("nobody", "1")):
        with pytest.raises(SonotypeError) as caught:
            other.pin(name, version)
        assert caught.value.code is Code.MODEL_NOT_FOUND
    assert other.get("tagger").version == "1"
    other.pin("tagger", None)
    assert other.get("tagger").version == "2"


def test_reading_the_folders_again(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    add_version(mine, "tagger", "1")
    registry = Registry([mine], tmp_path, builtin=False)
    registry.pin("tagger", "1")
    first = registry.get("tagger")
    add_version(mine, "tagger", "2")
    add(mine, "another")
    assert list(registry.cards()) == ["tagger"]
    registry.refresh()
    assert list(registry.cards()) == ["another", "tagger"]
    assert registry.get("tagger").version == "1"  # still pinned
    shutil.rmtree(mine / "tagger" / "1")
    registry.refresh()
    assert registry.get("tagger").version == "2"
    assert "not here any more" in registry.problems[0].reason
    # who still answers with the version that is gone can say what it was
    assert registry.find("tagger@1") == first
    assert registry.weights_path(registry.get("tagger@1")) is None
    assert list(registry.versions("tagger")) == ["2"]
    shutil.rmtree(mine / "tagger")
    registry.refresh()
    with pytest.raises(SonotypeError, match="no model named 'tagger'"):
        registry.find("tagger")


def test_a_misspelt_name_is_told_what_is_near(tmp_path: Path) -> None:
    add(tmp_path, "tagger")
    registry = Registry([tmp_path], tmp_path, builtin=False)
    with pytest.raises(SonotypeError, match="no model named 'tager'; similar names: tagger"):
        registry.find("tager")
    with pytest.raises(SonotypeError, match=r"no model named 'xyz'\.$"):
        registry.find("xyz")


def test_a_failed_look_changes_nothing(tmp_path: Path) -> None:
    add(tmp_path / "mine", "tagger")
    (tmp_path / "yours").mkdir()
    registry = Registry([tmp_path / "mine", tmp_path / "yours"], tmp_path, builtin=False)
    add_version(tmp_path / "yours", "tagger", "2")
    with pytest.raises(SonotypeError, match="Two model repositories"):
        registry.refresh()
    assert list(registry.versions("tagger")) == ["1"]


def test_what_is_wrong_with_a_version(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    add(mine, "tagger")
    add_version(mine, "tagger", "1")
    shutil.copytree(mine / "tagger" / "1", mine / "tagger" / "latest")
    add_version(mine, "tagger", "2")
    registry = Registry([mine], tmp_path, builtin=False)
    assert registry.get("tagger").version == "2"
    assert [(problem.name, problem.reason) for problem in registry.problems] == [
        ("tagger/1", "version 1 is there twice"),
        ("tagger/latest", "the card is of version '1', its folder is 'latest'"),
    ]
