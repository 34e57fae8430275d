"""Ingest a folder with `kill -9` in the middle, in process and as a job of the service, and count what is there.

`python tests/service/ingest_kills.py FOLDER COUNT WORK [--model NAME --embedding NAME@EMBEDDING]` does it with real
files and a real model; the tests do it with few files and the fake one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))

from harness import MODELS, serve  # noqa: E402

FAKE = {
    "SONOTYPE_MODEL_PATH": str(MODELS),
    "SONOTYPE_MODELS": "fake",
    "SONOTYPE_DEFAULT_MODEL": "fake",
    "SONOTYPE_CATALOG_EMBEDDING": "fake@vector",
    "SONOTYPE_DEVICES": "cpu:1",
}


def in_process(root: Path, work: Path, kills_at: Sequence[int], seed: int, settings: dict[str, str]) -> dict[str, Any]:
    """Run `sonotype ingest`, kill it when so many tracks are stored, run it again to its end.

    Returns:
        The last run's answer, with the seconds of every run.
    """
    chance, seconds = random.Random(seed), []
    environment = os.environ | settings | {"SONOTYPE_DATA_DIR": str(work / "data")}
    command = [sys.executable, "-m", "sonotype", "ingest", str(root), "--root", str(root), "--format", "json"]
    for at in kills_at:
        began = time.monotonic()
        with (work / "killed.log").open("a") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            while stored(work / "data") < at:
                assert process.poll() is None, (work / "killed.log").read_text()[-4000:]
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            assert process.wait(30) == -signal.SIGKILL, "it ended before it was killed"
        seconds.append(time.monotonic() - began)
    began = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer | {"seconds": [*seconds, time.monotonic() - began], "stderr": done.stderr}


def as_a_job(root: Path, work: Path, kills_at: Sequence[int], seed: int, settings: dict[str, str]) -> dict[str, Any]:
    """The same as a job of the service, which is killed and started again.

    Returns:
        The job at its end, with all of its files and all tracks of the catalogue.
    """
    chance, job_id = random.Random(seed), ""
    options = {name.removeprefix("SONOTYPE_").lower(): value for name, value in settings.items()}
    models = options.pop("models")
    for at in [*kills_at, None]:
        with serve(work, models=models, ingest_root=root, **options) as served:
            served.wait_ready(120)
            served.wait_until(lambda client: client.get("/v1/jobs").status_code == 200, 60)
            client = served.client()
            if not job_id:
                job_id = client.post("/v1/jobs", json={"kind": "ingest"}).json()["id"]
            while not (job := client.get(f"/v1/jobs/{job_id}").json())["final"]:
                if at is not None and job["done"] >= at:
                    time.sleep(chance.uniform(0, 0.05))
                    served.process.send_signal(signal.SIGKILL)
                    assert served.process.wait(30) == -signal.SIGKILL
                    break
                time.sleep(0.01)
            if at is None:
                job["files"] = _pages(client, f"/v1/jobs/{job_id}/files", "files")
                job["tracks"] = _pages(client, "/v1/tracks", "tracks")
                assert served.stop() == 0
    return job


def check_once(files: list[dict[str, Any]], expected: Sequence[str]) -> None:
    """Every file has one outcome, in order, and it is `stored`."""
    assert [file["path"] for file in files] == sorted(expected, key=lambda path: path.split("/"))
    assert Counter(file["state"] for file in files) == {"stored": len(expected)}
    assert len({file["track"] for file in files}) == len(expected)


def external_ids(data: Path) -> Counter[str]:
    """How often each external id is in the catalogue's database."""
    with sqlite3.connect(f"file:{data}/catalog/catalog.sqlite?mode=ro", uri=True) as db:
        found = Counter(name for (name,) in db.execute("SELECT external_id FROM tracks"))
    db.close()
    return found


def stored(data: Path) -> int:
    """Tracks in the database of a running process; 0 while there is none."""
    try:
        return external_ids(data).total()
    except sqlite3.OperationalError:
        return 0


def _pages(client: Any, path: str, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = client.get(path, params={"limit": 200} | ({"cursor": cursor} if cursor else {})).json()
        found += page[name]
        if (cursor := page["cursor"]) is None:
            return found


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("work", type=Path)
    parser.add_argument("--model", default="musicnn-msd")
    parser.add_argument("--embedding", default="musicnn-msd@penultimate")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    every = sorted(path for path in asked.folder.rglob("*.*") if path.suffix in (".flac", ".ogg", ".mp3", ".opus"))
    chosen = random.Random(asked.seed).sample(every, asked.count)
    names = [path.relative_to(asked.folder).as_posix() for path in chosen]
    settings = {
        "SONOTYPE_MODEL_PATH": "",
        "SONOTYPE_MODELS": asked.model,
        "SONOTYPE_DEFAULT_MODEL": asked.model,
        "SONOTYPE_CATALOG_EMBEDDING": asked.embedding,
        "SONOTYPE_DEVICES": "cpu:1",
        "SONOTYPE_SONIFY_WARM": "false",
    }
    kills = (asked.count // 3, 2 * asked.count // 3)
    for way in (in_process, as_a_job):
        work = asked.work / way.__name__
        shutil.rmtree(work, ignore_errors=True)
        for name in names:
            (work / "music" / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(asked.folder / name, work / "music" / name)
        began = time.monotonic()
        answer = way(work / "music", work, kills, asked.seed, settings)
        taken = time.monotonic() - began
        check_once(answer["files"], names)
        assert external_ids(work / "data") == dict.fromkeys(names, 1)
        counts = (answer.get("job") or answer)["counts"]
        print(f"{way.__name__}: {asked.count} files, killed at {kills}, {taken:.0f} s, {counts}: every file once")


if __name__ == "__main__":
    _main()
