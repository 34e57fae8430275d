from __future__ import annotations

import hashlib
import io
import tarfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.weights.base import no_progress
from sonotype.training.data import archives, debian, npm
from sonotype.training.data.archives import Archive, folder_of
from sonotype.training.data.unpack import unpack

FILES = {"package/a/C4.wav": b"sound", "package/b.txt": b"words", "other/c.txt": b"no"}


def tar_bytes(files: dict[str, bytes], mode: str = "w:gz", prefix: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(prefix + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_bytes(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def deb_bytes(files: dict[str, bytes]) -> bytes:
    def member(name: str, data: bytes) -> bytes:
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
        return head + data + b"\n" * (len(data) % 2)

    data = tar_bytes(files, "w:xz", "./")
    return b"!<arch>\n" + member("debian-binary", b"2.0\n!") + member("data.tar.xz", data)


PACKAGES = {"x.tgz": tar_bytes(FILES), "x.whl": zip_bytes(FILES), "x.deb": deb_bytes(FILES)}


@pytest.mark.parametrize("name", PACKAGES)
def test_what_is_kept_is_unpacked_and_nothing_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(PACKAGES[name])
    unpack(tmp_path / name, tmp_path / "out", ("package/",))
    found = {str(p.relative_to(tmp_path / "out")): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert found == {"package/a/C4.wav": b"sound", "package/b.txt": b"words"}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_damaged_package_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(PACKAGES[name][: len(PACKAGES[name]) // 2])
    with pytest.raises(SonotypeError, match="damaged") as caught:
        unpack(tmp_path / name, tmp_path / "out", ("package/",))
    assert caught.value.code is Code.WEIGHTS_CORRUPT
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["package/../../evil", "/package/evil"])
def test_no_member_leaves_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.whl").write_bytes(zip_bytes({name: b"evil"}))
    with pytest.raises(SonotypeError):
        unpack(tmp_path / "x.whl", tmp_path / "deep" / "out", ("package/", "/package"))
    assert not list(tmp_path.rglob("evil"))


def archive(data: bytes = PACKAGES["x.tgz"]) -> Archive:
    return Archive("some-notes", "npm", "some-notes@1.0.0", hashlib.sha256(data).hexdigest(), "x.tgz", ("package/",))


def test_a_package_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    def fetch(requirement: str, _sha256: str, target: Path, _progress: object) -> None:
        fetched.append(requirement)
        target.write_bytes(PACKAGES["x.tgz"])

    monkeypatch.setitem(archives._FETCHERS, "npm", fetch)
    folder = folder_of(archive(), tmp_path / "cache")
    assert (folder / "package/a/C4.wav").read_bytes() == b"sound"
    assert folder_of(archive(), tmp_path / "cache") == folder
    assert fetched == ["some-notes@1.0.0"]


def test_two_runs_share_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    def fetch(requirement: str, _sha256: str, target: Path, _progress: object) -> None:
        fetched.append(requirement)
        time.sleep(0.1)
        target.write_bytes(PACKAGES["x.tgz"])

    monkeypatch.setitem(archives._FETCHERS, "npm", fetch)
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: folder_of(archive(), tmp_path / "cache"), range(4)))
    assert len(folders) == 1
    assert (folders.pop() / "package/a/C4.wav").read_bytes() == b"sound"
    assert fetched == ["some-notes@1.0.0"]


def test_a_package_that_lies_in_the_cache_is_taken(tmp_path: Path) -> None:
    (tmp_path / "x.tgz").write_bytes(PACKAGES["x.tgz"])
    assert (folder_of(archive(), tmp_path) / "package/b.txt").is_file()


def test_an_installed_file_is_taken_when_it_is_the_right_one(tmp_path: Path) -> None:
    file = tmp_path / "font.sf2"
    file.write_bytes(b"RIFF")
    right = hashlib.sha256(b"RIFF").hexdigest()
    wanted = Archive("font", "debian", "f/f_1_all.deb", "0" * 64, "f_1_all.deb", ("usr/",), (str(file), right))
    assert folder_of(wanted, tmp_path / "cache") == tmp_path


def test_a_missing_source_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "npm").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "npm").chmod(0o755)
    with pytest.raises(SonotypeError) as caught:
        folder_of(archive(), tmp_path / "cache")
    assert caught.value.code is Code.SOURCE_UNREACHABLE
    for words in ("some-notes@1.0.0", "fetched with npm", "x.tgz", "--cache", archive().sha256[:12]):
        assert words in caught.value.detail


def test_npm_packs_and_the_hash_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "source.tgz").write_bytes(PACKAGES["x.tgz"])
    # npm pack <requirement> --silent --pack-destination <folder>
    (tmp_path / "npm").write_text(f'#!/bin/sh\n/bin/cp "{tmp_path}/source.tgz" "$5/y.tgz"\n')
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    npm.fetch("@scope/some-notes@1.0.0", archive().sha256, tmp_path / "x.tgz", no_progress)
    assert (tmp_path / "x.tgz").read_bytes() == PACKAGES["x.tgz"]
    with pytest.raises(SonotypeError, match="not the one") as caught:
        npm.fetch("some-notes@1.0.0", "0" * 64, tmp_path / "z.tgz", no_progress)
    assert caught.value.code is Code.WEIGHTS_CORRUPT
    assert not (tmp_path / "z.tgz").exists()
    with pytest.raises(SonotypeError, match="name@version"):
        npm.fetch("--evil", "0" * 64, tmp_path / "z.tgz", no_progress)


def test_without_npm_its_registry_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(npm, "fetch_https", lambda urls, *_args, **_options: asked.extend(urls))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    monkeypatch.delenv("npm_config_registry", raising=False)
    npm.fetch("@s/notes@1.0.5", "0" * 64, tmp_path / "x.tgz", no_progress)
    (tmp_path / ".npmrc").write_text("fund=false\nregistry = https://mirror.example/npm/\n")
    npm.fetch("notes@2.0.0", "0" * 64, tmp_path / "x.tgz", no_progress)
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://env.example")
    npm.fetch("notes@2.0.0", "0" * 64, tmp_path / "x.tgz", no_progress)
    assert asked == [
        "https://registry.npmjs.org/@s/notes/-/notes-1.0.5.tgz",
        "https://mirror.example/npm/notes/-/notes-2.0.0.tgz",
        "https://env.example/notes/-/notes-2.0.0.tgz",
    ]


@pytest.mark.parametrize(("script", "asked"), [("/bin/cp {}/deb ./n_1-2_all.deb", 0), ("exit 100", 1), (None, 1)])
def test_apt_is_asked_first_then_debian(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, asked: int
) -> None:
    urls: list[str] = []
    monkeypatch.setattr(debian, "fetch_https", lambda found, *_args, **_options: urls.extend(found))
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "deb").write_bytes(PACKAGES["x.deb"])
    if script is not None:
        (tmp_path / "apt-get").write_text(f"#!/bin/sh\n{script.format(tmp_path)}\n")
        (tmp_path / "apt-get").chmod(0o755)
    sha256 = hashlib.sha256(PACKAGES["x.deb"]).hexdigest()
    debian.fetch("n/n/n_1-2_all.deb", sha256, tmp_path / "x.deb", no_progress)
    assert urls == ["https://deb.debian.org/debian/pool/main/n/n/n_1-2_all.deb"][:asked]
    assert (tmp_path / "x.deb").exists() == (asked == 0)
