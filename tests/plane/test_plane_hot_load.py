"""Loading, rolling back and unloading while requests run: real worker processes around fake models."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from prototype_models import class_wav
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.core.types import Upload
from sonotype.main import open_plane
from sonotype.models.heads.transfer import HEAD_FILE
from sonotype.plane import control
from sonotype.plane.choices import Choices, read_choices, write_choices
from sonotype.plane.model_watch import ModelWatch
from sonotype.plane.query import AnalyzeQuery
from sonotype.plane.service import Service
from versions_kit import break_network, write_head, write_network


def settings_in(folder: Path, **changes: object) -> Settings:
    values: dict[str, object] = {
        "model_path": [folder / "models"],
        "default_model": "net",
        "data_dir": folder / "data",
        "weights_dir": folder / "weights",
        "devices": "cpu:1",
        "decode_workers": 1,
        "sonify_threads": 1,
        "precision": "fp32",
    }
    return Settings(**{**values, **changes})  # type: ignore[arg-type]


@asynccontextmanager
async def opened(folder: Path, **changes: object) -> AsyncIterator[Service]:
    async with open_plane(settings_in(folder, **changes)) as plane:
        await plane.wait_ready()
        yield plane


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A repository with version 1 of the network and of the head on it."""
    repository = tmp_path / "models"
    write_head(repository, "1", write_network(repository, "1"))
    return repository


@contextmanager
def refused(code: Code, words: str = "") -> Iterator[None]:
    with pytest.raises(SonotypeError, match=words or None) as caught:
        yield
    assert caught.value.code is code


def upload(seed: int) -> Upload:
    return Upload.of(class_wav(0, 1.0, seed))


async def ask(plane: Service, seed: int, *models: str, use_cache: bool = False) -> list[str]:
    analysis = await plane.analyze(upload(seed), AnalyzeQuery(models=models, use_cache=use_cache))
    return [result.model for result in analysis.results]


def worker_pids() -> set[int]:
    """Worker processes of this test."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and "sonotype.serving.workers.child" in command and fields[0] != "Z":
            found.add(int(entry.name))
    return found


async def until(test: object, timeout_s: float = 60) -> None:
    async with asyncio.timeout(timeout_s):
        while not test():  # type: ignore[operator]
            await asyncio.sleep(0.02)


async def test_a_network_is_replaced_while_requests_run(tmp_path: Path, models: Path) -> None:
    second = write_network(tmp_path / "later", "2")
    async with opened(tmp_path) as plane:
        first_pids = worker_pids()
        shutil.move(tmp_path / "later/net/2", models / "net/2")
        write_head(models, "2", second)
        asking = True
        answers: list[str] = []

        async def keep_asking(number: int) -> None:
            while asking:
                answers.extend(await ask(plane, number, "net", "taste"))

        tasks = [asyncio.create_task(keep_asking(number)) for number in range(4)]
        await until(lambda: len(answers) > 20)
        change = await plane.load_model("net")
        assert (change.previous, change.model.card.address, change.model.served) == ("1", "net@2", True)
        seen = len(answers)
        await until(lambda: len(answers) > seen + 20)
        back = await plane.rollback_model("net")
        assert (back.previous, back.model.card.version) == ("2", "1")
        seen = len(answers)
        await until(lambda: len(answers) > seen + 20)
        asking = False
        await asyncio.gather(*tasks)  # no request failed
        assert set(answers) == {"net@1", "net@2", "taste@1", "taste@2"}, "the head moves along with its network"
        pairs = {(answers[i], answers[i + 1]) for i in range(0, len(answers), 2)}
        assert pairs == {("net@1", "taste@1"), ("net@2", "taste@2")}, "an answer is of one lineup"
        await until(lambda: len(worker_pids()) == 1)
        assert first_pids
    assert worker_pids() == set()


async def test_a_request_keeps_its_workers_to_the_end(tmp_path: Path, models: Path) -> None:
    write_network(models, "2")
    async with opened(tmp_path, models=["net@1"]) as plane:
        with plane._lineups.lease() as lineup:
            old = worker_pids()
            await plane.load_model("net", "1")
            assert plane._lineups.current.crew is lineup.crew, "the same networks need no other workers"
        async with asyncio.TaskGroup() as group:
            leaving = asyncio.Event()

            async def slow_request() -> list[str]:
                with plane._lineups.lease() as mine:
                    await leaving.wait()
                    assert mine.default_model == "net"
                    return await ask(plane, 5)  # within the lease it is of the lineup that was leased

            running = group.create_task(slow_request())
            await asyncio.sleep(0)
            await plane.load_model("net", "2")
            assert await ask(plane, 6) == ["net@2"]
            await asyncio.sleep(1.2)
            assert old < worker_pids()
            leaving.set()
        assert running.result() == ["net@1"]
        await until(lambda: worker_pids().isdisjoint(old))


async def test_workers_that_are_taken_back_are_not_closed_meanwhile(
    tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sonotype.plane.lineups._GRACE_S", 0.01)

    class SlowFollower:
        async def prepare(self, lineup: object) -> None:
            await asyncio.sleep(0.5)  # far longer than the grace

        def adopt(self, lineup: object) -> None:
            """Nothing to change."""

    write_network(models, "2")
    async with opened(tmp_path, models=["net@1"]) as plane:
        with plane._lineups.lease():
            await plane.load_model("net", "2")
            plane._lineups.follower = SlowFollower()
            back = asyncio.create_task(plane.rollback_model("net"))
            await asyncio.sleep(0.1)
        await back
        assert await ask(plane, 9) == ["net@1"]
        plane._lineups.follower = None


async def test_only_the_head_changes(tmp_path: Path, models: Path) -> None:
    async with opened(tmp_path) as plane:
        pids = worker_pids()
        backbone = plane.model("net").card
        assert await ask(plane, 1, "taste") == ["taste@1"]
        write_head(models, "2", backbone)  # type: ignore[arg-type]
        assert (await plane.load_model("taste")).previous == "1"
        assert await ask(plane, 1, "taste") == ["taste@2"]
        assert worker_pids() == pids, "the workers stay"
        with refused(Code.MODEL_NOT_FOUND, "what is served is version 2"):
            await ask(plane, 1, "taste@1")
        assert plane.model("taste@1").served is False
        again = await plane.load_model("taste")
        assert (again.previous, again.model.card.version) == ("2", "2")


async def test_a_failed_load_leaves_everything_as_it_was(tmp_path: Path, models: Path) -> None:
    write_network(models, "1", name="plain")
    break_network(models, "2", name="plain")
    other = write_network(tmp_path / "elsewhere", "7")
    write_head(models, "3", other, name="taste")  # for other weights
    async with opened(tmp_path, models=["net@1", "taste@1", "plain@1"]) as plane:
        pids = worker_pids()
        with refused(Code.UNAVAILABLE, "could not load"):
            await plane.load_model("plain")
        with refused(Code.WEIGHTS_CORRUPT, "other weights"):
            await plane.load_model("taste", "3")
        damaged = write_head(models, "4", plane.model("net").card)  # type: ignore[arg-type]
        path = models / "taste" / damaged.version / HEAD_FILE
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        with refused(Code.WEIGHTS_CORRUPT):
            await plane.load_model("taste", "4")
        write_network(models, "9")
        with refused(Code.CONFLICT, "taste was trained on other weights of net"):
            await plane.load_model("net", "9")
        for name, version in (("net", "5"), ("nobody", None)):
            with refused(Code.MODEL_NOT_FOUND):
                await plane.load_model(name, version)
        with refused(Code.INVALID_REQUEST, "without a version"):
            await plane.load_model("plain@2")
        assert await ask(plane, 2, "net", "taste") == ["net@1", "taste@1"]
        assert worker_pids() == pids, "nothing is left of what failed"
        assert plane._lineups.current.batcher.ready
    async with open_plane(settings_in(tmp_path), with_workers=False) as plane:
        assert plane.model("plain").card.version == "1", "what could not be loaded is not served after a start either"


async def test_a_version_that_was_replaced_on_disk_is_loaded_under_its_name(tmp_path: Path, models: Path) -> None:
    card = models / "published" / "card.toml"
    write_network(models, "1", name="published")
    (card.parent / "1" / "card.toml").rename(card)  # as models of the zoo lie
    async with opened(tmp_path) as plane:
        before = await plane.analyze(upload(1), AnalyzeQuery(models=("published",)))
        card.write_text(card.read_text(encoding="utf-8").replace("seed = 1", "seed = 7"), encoding="utf-8")
        change = await plane.load_model("published")
        assert (change.previous, change.model.card.version) == ("1", "1")
        after = await plane.analyze(upload(1), AnalyzeQuery(models=("published",)))
        assert [it.results[0].model for it in (before, after)] == ["published@1"] * 2
        assert abs(before.results[0].tags - after.results[0].tags).max() > 1e-3
        with refused(Code.CONFLICT, "no earlier version"):
            await plane.rollback_model("published")


async def test_what_cannot_be_unloaded_or_rolled_back(tmp_path: Path, models: Path) -> None:
    write_network(models, "1", name="plain")
    async with opened(tmp_path) as plane:
        with refused(Code.CONFLICT, "default model"):
            await plane.unload_model("net")
        with refused(Code.CONFLICT, "no earlier version"):
            await plane.rollback_model("net")
        with refused(Code.MODEL_NOT_FOUND):
            await plane.unload_model("nobody")
        gone = await plane.unload_model("plain")
        assert (gone.previous, gone.model.served) == ("1", False)
        with refused(Code.MODEL_NOT_FOUND, "not served"):
            await ask(plane, 1, "plain")
        with refused(Code.CONFLICT, "no earlier version"):
            await plane.rollback_model("plain")
        assert (await plane.load_model("plain")).previous is None
        assert await ask(plane, 1, "plain") == ["plain@1"]


async def test_a_network_that_heads_stand_on_stays(tmp_path: Path, models: Path) -> None:
    write_network(models, "1", name="plain")
    async with opened(tmp_path, default_model="plain") as plane:
        with refused(Code.CONFLICT, "taste stand on net"):
            await plane.unload_model("net")
        await plane.unload_model("taste")
        await plane.unload_model("net")
        assert [info.card.name for info in plane.models() if info.served] == ["plain"]


async def test_a_deployment_may_forbid_it(tmp_path: Path, models: Path) -> None:
    async with open_plane(settings_in(tmp_path, model_control="none"), with_workers=False) as plane:
        for call in (plane.load_model, plane.rollback_model, plane.unload_model):
            with refused(Code.FORBIDDEN):
                await call("taste")


async def test_who_stops_changes_nothing_any_more(tmp_path: Path, models: Path) -> None:
    async with opened(tmp_path) as plane:
        plane.refuse_work()
        for change in (plane.load_model("net"), plane.rollback_model("net"), plane.unload_model("taste")):
            with refused(Code.DRAINING):
                await change
        assert plane.model("taste").served


async def test_choices_outlive_the_service(tmp_path: Path, models: Path) -> None:
    backbone = write_network(models, "1", name="plain")
    write_head(models, "1", backbone, name="other")
    write_network(models, "2", name="plain")
    write_head(models, "2", backbone, name="other")

    def served(plane: Service) -> dict[str, str]:
        return {info.card.name: info.card.version for info in plane.models() if info.served}

    async with opened(tmp_path) as plane:  # the head of version 2 stands on version 1 of its network: left out
        assert served(plane) == {"net": "1", "taste": "1", "plain": "2"}
        await plane.rollback_model("plain")
        await plane.load_model("other")
        await plane.unload_model("taste")
        assert served(plane) == {"net": "1", "plain": "1", "other": "2"}
    async with open_plane(settings_in(tmp_path), with_workers=False) as plane:
        assert served(plane) == {"net": "1", "plain": "1", "other": "2"}
    kept = json.loads((tmp_path / "data" / "lineup.json").read_text())
    assert kept["models"]["plain"]["version"] == "1"
    shutil.rmtree(models / "plain" / "1")
    async with open_plane(settings_in(tmp_path), with_workers=False) as plane:
        assert served(plane)["plain"] == "2"
        assert any("not here any more" in problem for problem in (await plane.readiness()).problems)
    (tmp_path / "data" / "lineup.json").write_text("{")
    async with open_plane(settings_in(tmp_path), with_workers=False) as plane:
        assert served(plane)["taste"] == "1"


async def test_the_repositories_are_watched(tmp_path: Path, models: Path) -> None:
    async with opened(tmp_path, model_control="poll") as plane:
        watch: ModelWatch = plane._watch
        await watch.look()
        assert await ask(plane, 1, "net", "taste") == ["net@1", "taste@1"]
        (models / "net" / "2").mkdir()  # not complete yet
        await watch.look()
        assert plane.model("net").card.version == "1"
        (models / "net" / "2").rmdir()
        break_network(models, "2")
        await watch.look()
        await watch.look()
        assert plane.model("net").card.version == "1"
        problems = [problem for problem in (await plane.readiness()).problems if "not loaded" in problem]
        assert len(problems) == 1
        shutil.rmtree(models / "net" / "2")
        second = write_network(models, "2")
        write_network(models, "1", name="new")
        await watch.look()
        assert plane.model("net").card.version == "1", "no head of it fits yet"
        write_head(models, "2", second)
        await watch.look()
        assert await ask(plane, 1, "net", "taste", "new") == ["net@2", "taste@2", "new@1"]
        assert not [problem for problem in (await plane.readiness()).problems if "not loaded" in problem]
        await plane.rollback_model("net")
        write_network(models, "3")
        await watch.look()
        assert plane.model("net").card.version == "1", "who rolled back meant it"


async def test_calls_wait_for_one_another_and_can_be_abandoned(tmp_path: Path, models: Path) -> None:
    write_network(models, "2")
    write_network(models, "3")
    async with opened(tmp_path, models=["net@1"]) as plane:
        pids = worker_pids()
        abandoned = asyncio.create_task(plane.load_model("net", "3"))
        await until(lambda: len(worker_pids()) > len(pids))
        both = [asyncio.create_task(plane.load_model("net", version)) for version in ("2", "3")]
        abandoned.cancel()
        changes = await asyncio.gather(*both)
        assert [(change.previous, change.model.card.version) for change in changes] == [("1", "2"), ("2", "3")]
        with pytest.raises(asyncio.CancelledError):
            await abandoned
        assert await ask(plane, 3) == ["net@3"]
        await until(lambda: len(worker_pids()) == 1)


async def test_who_leaves_while_a_choice_is_written_leaves_it_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, models: Path
) -> None:
    write_head(models, "2", write_network(models, "2"))
    writing, go_on, written = threading.Event(), threading.Event(), threading.Event()

    def slowly(path: Path, choices: Choices) -> None:
        writing.set()
        assert go_on.wait(60)
        write_choices(path, choices)
        written.set()

    monkeypatch.setattr(control, "write_choices", slowly)
    async with opened(tmp_path, models=["net@1", "taste@1"]) as plane:
        leaving = asyncio.create_task(plane.load_model("net", "2"))
        assert await asyncio.to_thread(writing.wait, 60)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        go_on.set()
        assert await asyncio.to_thread(written.wait, 60)
        assert await ask(plane, 4, "net", "taste") == ["net@2", "taste@2"]
    kept = read_choices(tmp_path / "data" / "lineup.json")
    assert (kept.of("net").version, kept.of("net").past, kept.of("taste").past) == ("2", ("1",), ("1",))
