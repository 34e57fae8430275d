"""Pull, verify, remove: one download however many ask, nothing half done, offline afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundles import https_card, sha256, tiny_safetensors
from file_server import FileServer, cut_after, serving, stall_after

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import Card
from sonotype.models.card_parts import SourceSpec
from sonotype.models.registry import Registry
from sonotype.models.weights import base, store
from sonotype.models.weights.layout import find_weights, read_receipt, receipt_file

DATA = tiny_safetensors()
PULL = """
import sys
from pathlib import Path
from sonotype.models.card import Card
from sonotype.models.weights import store
card = Card.model_validate_json(sys.stdin.read())
print(store.pull(card, Path(sys.argv[1])).fresh)
"""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(DATA) as files:
        yield files


@pytest.fixture
def card(server: FileServer) -> Card:
    return https_card("tiny", DATA, [server.url])


def start_pull(card: Card, weights: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PULL, str(weights)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(card.model_dump_json())
    process.stdin.close()
    process.stdin = None
    return process


def files_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_pull_once_then_offline(card: Card, server: FileServer, tmp_path: Path) -> None:
    stages: list[str] = []
    outcome = store.pull(card, tmp_path, lambda stage, done, total: stages.append(stage))
    assert outcome.fresh
    assert outcome.path == tmp_path / "tiny/1/model.safetensors"
    assert outcome.path.read_bytes() == DATA
    assert outcome.n_bytes == len(DATA)
    assert (stages[0], stages[-1]) == ("download", "convert")
    offline = https_card("tiny", DATA, ["http://127.0.0.1:9/closed"])
    assert store.pull(offline, tmp_path) == store.Pulled(outcome.path, len(DATA), fresh=False)
    assert len(server.requests) == 1
    assert store.read(card, outcome.path)["w"].shape == (4096,)


def test_the_receipt_says_what_and_whence(card: Card, tmp_path: Path) -> None:
    store.pull(card, tmp_path)
    receipt = json.loads(receipt_file(card, tmp_path).read_text())
    assert receipt.pop("pulled_at").endswith("+00:00")
    assert receipt == {
        "receipt_schema": 1,
        "model": "tiny@1",
        "sha256": sha256(DATA),
        "n_bytes": len(DATA),
        "source_kind": "https",
        "source_sha256": sha256(DATA),
        "licence": "ISC",
    }


def test_processes_that_pull_at_once_make_one_download(card: Card, server: FileServer, tmp_path: Path) -> None:
    processes = [start_pull(card, tmp_path) for _ in range(3)]
    answers = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert sorted(answers) == ["False", "False", "True"]
    assert len(server.requests) == 1
    assert store.verify(card, tmp_path).read_bytes() == DATA


def test_models_that_share_a_source_share_the_download(server: FileServer, tmp_path: Path) -> None:
    cards = [https_card(name, DATA, [server.url]) for name in ("one", "two")]
    for process in [start_pull(card, tmp_path) for card in cards]:
        assert process.communicate(timeout=60)[0].strip() == "True"
    assert len(server.requests) == 1
    store.remove(cards[0], tmp_path)
    assert find_weights(cards[1], tmp_path) is not None
    assert f"downloads/{sha256(DATA)}" in files_under(tmp_path)
    assert store.remove(cards[1], tmp_path) > 2 * len(DATA)
    assert files_under(tmp_path) == set()


def test_a_killed_pull_leaves_nothing_in_the_way(card: Card, server: FileServer, tmp_path: Path) -> None:
    server.script = [stall_after(5000)]
    process = start_pull(card, tmp_path)
    part = tmp_path / "downloads" / f"{sha256(DATA)}.part"
    until = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size == 5000):
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert find_weights(card, tmp_path) is None
    assert store.pull(card, tmp_path).fresh
    assert server.ranges() == [None, "bytes=5000-"]


def test_a_crash_between_weights_and_receipt(card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(path: Path, data: bytes) -> None:
        if path.name == "receipt.json":
            raise OSError(28, "No space left on device")
        base.write_atomic(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_atomic", full_disk)
        with pytest.raises(OSError, match="No space"):
            store.pull(card, tmp_path)
    assert find_weights(card, tmp_path) is None
    (tmp_path / "tiny/1/.model.safetensors.dead.tmp").write_bytes(b"half")
    assert store.pull(card, tmp_path).fresh
    assert files_under(tmp_path / "tiny") == {"1/model.safetensors", "1/receipt.json"}


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    base.write_atomic(path, b"old")

    def no_sync(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(base.os, "fsync", no_sync)
    with pytest.raises(OSError, match="Input/output"):
        base.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert files_under(tmp_path) == {"file"}


def test_verify_sees_a_flipped_byte_and_pull_mends_it(card: Card, server: FileServer, tmp_path: Path) -> None:
    path = store.pull(card, tmp_path).path
    assert store.verify(card, tmp_path) == path
    path.write_bytes(DATA[:-1] + bytes([DATA[-1] ^ 1]))
    assert find_weights(card, tmp_path) == path  # the cheap look cannot see it
    for look in (lambda: store.verify(card, tmp_path), lambda: store.read(card, path)):
        with pytest.raises(SonotypeError) as caught:
            look()
        assert caught.value.code is Code.WEIGHTS_CORRUPT
    assert store.pull(card, tmp_path).fresh
    assert store.verify(card, tmp_path).read_bytes() == DATA
    assert len(server.requests) == 1  # made again from what was fetched before


def test_a_damaged_download_is_fetched_again(card: Card, server: FileServer, tmp_path: Path) -> None:
    store.pull(card, tmp_path).path.unlink()
    (tmp_path / "downloads" / sha256(DATA)).write_bytes(b"rot")
    assert store.pull(card, tmp_path).fresh
    assert len(server.requests) == 2


def test_weights_of_an_older_card_do_not_count(card: Card, server: FileServer, tmp_path: Path) -> None:
    store.pull(card, tmp_path)
    server.data, server.etag = tiny_safetensors(seed=1), '"two"'
    newer = https_card("tiny", server.data, [server.url])
    assert find_weights(newer, tmp_path) is None
    with pytest.raises(SonotypeError, match="not those of its card"):
        store.verify(newer, tmp_path)
    assert store.pull(newer, tmp_path).fresh
    assert store.verify(newer, tmp_path).read_bytes() == server.data


@pytest.mark.parametrize("length", [0, 100])
def test_a_truncated_file_is_not_pulled(card: Card, tmp_path: Path, length: int) -> None:
    path = store.pull(card, tmp_path).path
    path.write_bytes(DATA[:length])
    assert find_weights(card, tmp_path) is None
    assert store.pull(card, tmp_path).fresh


def test_what_is_missing_is_said_to_be(card: Card, tmp_path: Path) -> None:
    for look in (lambda: store.verify(card, tmp_path), lambda: store.read(card, tmp_path / "none")):
        with pytest.raises(SonotypeError) as caught:
            look()
        assert caught.value.code is Code.WEIGHTS_MISSING
    assert store.remove(card, tmp_path) == 0
    receipt_file(card, tmp_path).parent.mkdir(parents=True)
    receipt_file(card, tmp_path).write_text("{}")
    assert read_receipt(receipt_file(card, tmp_path)) is None
    assert find_weights(card, tmp_path) is None


def test_a_source_of_something_else(server: FileServer, card: Card, tmp_path: Path) -> None:
    """The right file by its hash, but the card promises other weights."""
    assert card.weights is not None
    wrong_hash = card.model_copy(update={"weights": card.weights.model_copy(update={"sha256": "0" * 64})})
    wrong_count = card.model_copy(update={"weights": card.weights.model_copy(update={"n_parameters": 5})})
    for wrong, complaint in ((wrong_hash, "not those"), (wrong_count, "number of parameters")):
        with pytest.raises(SonotypeError, match=complaint) as caught:
            store.pull(wrong, tmp_path)
        assert caught.value.code is Code.WEIGHTS_CORRUPT
        assert find_weights(wrong, tmp_path) is None


def test_a_model_without_weights_cannot_be_pulled(card: Card, tmp_path: Path) -> None:
    bare = card.model_copy(update={"weights": None, "source": SourceSpec(kind="none")})
    with pytest.raises(SonotypeError) as caught:
        store.pull(bare, tmp_path)
    assert caught.value.code is Code.INVALID_REQUEST
    unknown = card.model_copy(update={"source": card.source.model_copy(update={"format": "none"})})
    with pytest.raises(SonotypeError, match="cannot be converted"):
        store.pull(unknown, tmp_path)


def test_a_source_that_stays_silent(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sonotype.models.weights.https.time.sleep", lambda seconds: None)
    server.script = [cut_after(10)] * 9
    card = https_card("tiny", DATA, [server.url])
    with pytest.raises(SonotypeError) as caught:
        store.pull(card, tmp_path)
    assert caught.value.code is Code.SOURCE_UNREACHABLE
    assert find_weights(card, tmp_path) is None


@pytest.mark.weights
@pytest.mark.parametrize("name", ["musicnn-msd", "musicnn-mtt", "vgg-msd", "vgg-mtt"])
def test_the_published_checkpoints_convert_to_the_pinned_bytes(name: str) -> None:
    weights_dir = Settings().weights_dir
    card = Registry([], weights_dir).get(name)
    fetched = weights_dir / "downloads" / str(card.source.sha256)
    if not fetched.exists():
        pytest.skip("not pulled; `sonotype models pull --all`")
    assert sha256(fetched.read_bytes()) == card.source.sha256
    assert sha256(store.converted(card, fetched)) == card.weights_sha256
    assert store.verify(card, weights_dir)
