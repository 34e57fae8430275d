"""Kill the service over and over while clients store, replace and delete tracks; look whether anything was lost.

`python tests/service/crasher.py --ingests 5000 --seed 1` does it at full size. The tests do the same with few tracks.
Every kill is `kill -9`; where it strikes follows from the seed, as far as threads allow. After each start everything
is listed and compared with the history of acknowledged operations, and a sample is looked for; at the end all is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))

import httpx  # noqa: E402
import numpy as np  # noqa: E402
from crash_history import ABSENT, Entry, History  # noqa: E402

from harness import MODELS, Served, serve  # noqa: E402
from sonotype.catalog.embedded.catalog import EmbeddedCatalog  # noqa: E402

SAME = 0.9999  # cosine from which a vector is itself
_AUDIO = {"content-type": "audio/wav"}
_STATES = ("ok", "degraded")


@dataclass(frozen=True)
class Plan:
    """What is to happen.

    Attributes:
        ingests: operations between the first kill and the end, at least.
        before: tracks that are stored before the first kill.
        kills: of the gateway.
        worker_kills: of a worker.
        seed: of everything.
        clients: at once.
        recent: newest entries that are looked for after each start; half as many of all others too.
        dim: of the vectors.
        eager: an index that walks its graph at a hundred tracks already (`tuned_serve.py`).
        again: share of the kills soon after which the next one comes, while the catalogue is being opened.
        uploads: share of the new tracks that come as audio.
    """

    ingests: int
    before: int
    kills: int
    worker_kills: int
    seed: int
    clients: int = 8
    recent: int = 200
    dim: int = 64
    eager: bool = False
    again: float = 0.2
    uploads: float = 0.05


@dataclass
class Figures:
    """What happened."""

    kills: int = 0
    worker_kills: int = 0
    starts_s: list[float] = field(default_factory=list)
    degraded_starts: int = 0
    searches: int = 0
    by_graph: int = 0
    replays: int = 0


class Client:
    """One of those who store, replace and delete, each its own tracks."""

    def __init__(self, run: Crasher, number: int) -> None:
        self._run, self._number = run, number
        self._chance = random.Random(f"{run.plan.seed}/{number}")
        self._own: list[Entry] = []
        self.busy = threading.Lock()
        self.thread = threading.Thread(target=self._work, name=f"client-{number}", daemon=True)

    def _work(self) -> None:
        while not self._run.over:
            self._run.gate.wait()
            with self.busy:
                if self._run.gate.is_set() and not self._run.over:
                    self._step()

    def _step(self) -> None:
        run, draw = self._run, self._chance.random()
        settled = [e for e in self._chance.sample(self._own, min(3, len(self._own))) if e.settled is not None]
        entry = settled[0] if settled else None
        if entry is None or draw < (0.95 if run.history.done < run.plan.before else 0.65):
            kind = "upload" if self._chance.random() < run.plan.uploads else self._chance.choice(["put", "put", "post"])
            entry = run.history.begin(f"t{self._number}-{len(self._own)}", own_id=kind != "post")
            self._own.append(entry)
            self._store(entry, kind)
        elif draw < 0.85 or entry.settled == ABSENT:
            self._store(entry, "replace")
        else:
            self._delete(entry)

    def _store(self, entry: Entry, kind: str) -> None:
        entry.last, entry.deleting = entry.last + 1, False
        entry.may.add(entry.last)
        if kind == "upload":
            entry.uploads.add(entry.last)
        elif kind == "post" or self._chance.random() < 0.2:
            entry.keys[entry.last] = f"{entry.name}-{entry.last}"
        try:
            answer = store(self._run.http, entry, entry.last, self._run.plan.dim)
        except httpx.TransportError:
            self._lost()
            return
        if answer.status_code not in (200, 201):
            self._refused(entry, answer)
            return
        entry.id = answer.json()["id"]
        self._run.history.acknowledge(entry, entry.last, kind)
        if self._chance.random() < 0.05:
            self._run.look_for(entry, exact=False, during=True)

    def _delete(self, entry: Entry) -> None:
        entry.deleting = True
        entry.may.add(ABSENT)
        try:
            answer = self._run.http.delete(f"/v1/tracks/{entry.id}")
        except httpx.TransportError:
            self._lost()
            return
        if answer.status_code == 204:
            self._run.history.acknowledge(entry, ABSENT, "delete")
        else:
            self._refused(entry, answer)

    def _lost(self) -> None:
        self._run.history.count("lost")
        time.sleep(0.02)

    def _refused(self, entry: Entry, answer: httpx.Response) -> None:
        """A worker may be away for a moment; nothing else is refused."""
        self._run.history.count("refused")
        if not (entry.last in entry.uploads and answer.status_code in (422, 503, 504)):
            self._run.history.violate(f"{entry.name}: {answer.status_code} {answer.text[:200]}")


def store(http: httpx.Client, entry: Entry, version: int, dim: int) -> httpx.Response:
    """Ask for a version; the same way every time."""
    headers = {"idempotency-key": entry.keys[version]} if version in entry.keys else {}
    if version in entry.uploads:
        params = {"title": entry.title(version)}
        return http.put(
            f"/v1/tracks/{entry.name}", params=params, content=entry.audio(version), headers=headers | _AUDIO
        )
    body = entry.body(version, dim)
    if entry.id is None or (version == 1 and entry.id != entry.name):
        return http.post("/v1/tracks", json=body, headers=headers)
    return http.put(f"/v1/tracks/{entry.id}", json=body, headers=headers)


class Crasher:
    """One run in a folder."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan, self.figures = folder, plan, Figures()
        self.history = History(plan.recent)
        self.gate, self.over = threading.Event(), False
        self.http = httpx.Client()
        self._chance = random.Random(plan.seed)
        self._clients = [Client(self, number) for number in range(plan.clients)]
        self._models = folder / "models"
        shutil.copytree(MODELS, self._models)
        card = self._models / "fake" / "card.toml"
        card.write_text(card.read_text().replace("dim = 16", f"dim = {plan.dim}"))

    def run(self) -> dict[str, Any]:
        """Everything; the figures, with what went wrong."""
        ups = self._events()
        for client in self._clients:
            client.thread.start()
        try:
            for number, events in enumerate(ups):
                self._up(events, last=number == len(ups) - 1)
        finally:
            self.over = True
            self.gate.set()
            for client in self._clients:
                client.thread.join(90)
        asyncio.run(self._search_all())
        return self.report()

    def _events(self) -> list[list[tuple[int, str]]]:
        """For each start what happens after how many operations; all but the last end with a kill of the gateway."""
        last = self.plan.before + self.plan.ingests
        kills = sorted(self._chance.sample(range(self.plan.before, last), self.plan.kills))
        others = sorted(self._chance.sample(range(self.plan.before, last), self.plan.worker_kills))
        ups, start = [], -1
        for at in [*kills, last]:
            inside = [(one, "worker") for one in others if start < one <= at]
            ups.append([*inside, (at, "end" if at == last else "gateway")])
            start = at
        return ups

    def _up(self, events: list[tuple[int, str]], last: bool) -> None:
        """The time from one start to the next kill."""
        while not last and self.history.counts and self._chance.random() < self.plan.again:
            with self._served() as (served, _):
                time.sleep(self._chance.uniform(0, 1.5))
                self._kill(served)
        with self._served() as (served, began):
            served.wait_until(lambda c: c.get("/readyz").json()["catalog"] in _STATES, 240)
            self.figures.starts_s.append(time.monotonic() - began)
            self.http = served.client(limits=httpx.Limits(max_connections=None))
            self._check()
            served.wait_ready(240)
            self.gate.set()
            for at, kind in events:
                self._wait_for(at)
                time.sleep(self._chance.uniform(0, 0.05))
                if kind == "worker":
                    self._kill_worker(served)
                elif kind == "gateway":
                    self._kill(served)
            self._hold()
            if last:
                self._finish(served)

    def _served(self) -> _Start:
        program = (str(Path(__file__).with_name("tuned_serve.py")),) if self.plan.eager else ("-m", "sonotype")
        return _Start(
            self.folder,
            models="fake",
            program=program,
            own_group=True,
            model_path=self._models,
            catalog_embedding="fake@vector",
            default_model="fake",
            devices="cpu:1",
            decode_workers=1,
        )

    def _wait_for(self, operations: int) -> None:
        deadline, done = time.monotonic() + 300, -1
        while self.history.done < operations:
            if self.history.done > done:
                deadline, done = time.monotonic() + 300, self.history.done
            assert time.monotonic() < deadline, f"no operation ended in 300 s: {self.history.counts}"
            time.sleep(0.005)

    def _hold(self) -> None:
        """Let no client begin anything, and wait for what is under way."""
        self.gate.clear()
        for client in self._clients:
            with client.busy:
                pass

    def _kill(self, served: Served) -> None:
        served.process.send_signal(signal.SIGKILL)
        self.gate.clear()
        assert served.process.wait(60) == -signal.SIGKILL
        self.figures.kills += 1
        deadline = time.monotonic() + 60
        while left := _group(served.process.pid):
            if time.monotonic() > deadline:
                self.history.violate(f"children outlive the gateway: {left}")
                os.killpg(served.process.pid, signal.SIGKILL)
            time.sleep(0.02)

    def _kill_worker(self, served: Served) -> None:
        served.wait_until(lambda _: served.worker_pids(), 120)
        os.kill(self._chance.choice(served.worker_pids()), signal.SIGKILL)
        self.figures.worker_kills += 1

    # --- what must be so after a start

    def _check(self) -> None:
        if not self.history.entries:
            return
        self._replay()
        self.history.settle(self._list())
        degraded = any(generation["degraded"] for generation in self.http.get("/v1/catalog").json()["generations"])
        self.figures.degraded_starts += degraded
        self._look(*self.history.sample(self._chance, self.plan.recent // 2))
        print(json.dumps(self.report()), file=sys.stderr, flush=True)

    def _replay(self) -> None:
        """Clients that know not what became of an operation with a key ask again; others get the same once more."""
        with_key = [e for e in self.history.entries.values() if e.last in e.keys and not e.deleting]
        unsure = [e for e in with_key if e.settled is None]
        sure = [e for e in with_key if e.settled == e.last]
        for entry in [*unsure, *self._chance.sample(sure, min(10, len(sure)))]:
            known = entry.settled is not None
            answer = store(self.http, entry, entry.last, self.plan.dim)
            if answer.status_code not in (200, 201):
                self.history.violate(f"replay of {entry.name}: {answer.status_code} {answer.text[:200]}")
                continue
            again, told = answer.headers.get("idempotency-replayed") == "true", answer.json()["id"]
            self.figures.replays += again
            if (known and not again) or told != (entry.id or told):
                self.history.violate(f"replay of {entry.name} made {told}, and it was {entry.id}")
            entry.id, entry.may = told, {entry.last}

    def _list(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        params: dict[str, Any] = {"limit": 200}
        while True:
            page = self.http.get("/v1/tracks", params=params).json()
            found += page["tracks"]
            if page["cursor"] is None:
                return found
            params["cursor"] = page["cursor"]

    def _look(self, live: list[Entry], gone: list[Entry]) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._look_for_live, live))
            list(pool.map(self._look_for_gone, gone))

    def _look_for_live(self, entry: Entry) -> None:
        answer = self.http.get(f"/v1/tracks/{entry.id}")
        if answer.status_code != 200 or answer.json()["metadata"]["title"] != entry.title(entry.settled or 0):
            self.history.violate(f"{entry.name} should be at {entry.may}: {answer.status_code} {answer.text[:200]}")
        for exact in (False, True):
            self.look_for(entry, exact)

    def look_for(self, entry: Entry, exact: bool, during: bool = False) -> None:
        """Search for an entry by its own vector."""
        version = entry.settled or 0
        try:
            found = self._nearest(entry, version, exact)
        except httpx.TransportError:
            if not during:
                raise
            return
        for match in found:
            if match["track"]["id"] == entry.id:
                if match["similarity"] < SAME or match["track"]["metadata"]["title"] != entry.title(version):
                    self.history.violate(f"{entry.name} is found with another vector: {match}")
                return
        self.history.violate(f"{entry.name}#{version} is not found ({exact=}, {during=})")

    def _look_for_gone(self, entry: Entry) -> None:
        answer = self.http.get(f"/v1/tracks/{entry.id}")
        if answer.status_code != 404:
            self.history.violate(f"{entry.name} was deleted: {answer.status_code}")
        for exact in (False, True):
            if any(match["track"]["id"] == entry.id for match in self._nearest(entry, entry.last, exact)):
                self.history.violate(f"{entry.name} was deleted and is found ({exact=})")

    def _nearest(self, entry: Entry, version: int, exact: bool) -> list[dict[str, Any]]:
        if version in entry.uploads:
            params = {"k": self._alike(), "exact": exact, "hubness": "none"}
            answer = self.http.post("/v1/similar", params=params, content=entry.audio(version), headers=_AUDIO)
            if answer.status_code == 503:  # the only worker was killed a moment ago
                return [{"track": {"id": entry.id, "metadata": {"title": entry.title(version)}}, "similarity": 1}]
        else:
            seeds = [{"embedding": [float(x) for x in entry.vector(version, self.plan.dim)]}]
            answer = self.http.post("/v1/similar", json={"seeds": seeds, "k": 3, "exact": exact, "hubness": "none"})
        if answer.status_code != 200:
            self.history.violate(f"a search failed: {answer.status_code} {answer.text[:200]}")
            return []
        self.figures.searches += 1
        self.figures.by_graph += not answer.json()["exact"]
        found: list[dict[str, Any]] = answer.json()["matches"]
        ids = [match["track"]["id"] for match in found]
        if len(set(ids)) < len(ids):
            self.history.violate(f"twice in an answer: {ids}")
        return found

    def _alike(self) -> int:
        """Uploads have nearly one vector, because the fake model hears no more than loudness: so many are asked for."""
        return min(500, 3 + self.history.counts.get("upload", 0) + self.history.counts.get("lost", 0))

    # --- the end

    def _finish(self, served: Served) -> None:
        self.history.settle(self._list())
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._get, self.history.entries.values()))
        self._look(*self.history.sample(self._chance, self.plan.recent // 2))
        status = served.stop()
        if status != 0:
            self.history.violate(f"it ended with {status}")

    def _get(self, entry: Entry) -> None:
        if entry.id is None:
            return
        answer = self.http.get(f"/v1/tracks/{entry.id}")
        right = answer.status_code == (404 if entry.settled == ABSENT else 200)
        if not right or (entry.settled and answer.json()["metadata"]["title"] != entry.title(entry.settled)):
            self.history.violate(f"{entry.name} should be at {entry.may}: {answer.status_code}")

    async def _search_all(self) -> None:
        """Every entry, live or not, by exact and by approximate search, in this process."""
        catalog = await EmbeddedCatalog.open(self.folder / "data" / "catalog", full_at=1.0)
        try:
            ids = {entry.id or "" for entry in self.history.live()}
            vectors = await catalog.vectors(sorted(ids))
            for entry in self.history.entries.values():
                vector = vectors.get(entry.id or "", entry.vector(max(entry.last, 1), self.plan.dim))
                version = entry.settled or 0
                if version and version not in entry.uploads:
                    asked = entry.vector(version, self.plan.dim)
                    if float(vector @ asked) < SAME * float(np.linalg.norm(asked)):
                        self.history.violate(f"{entry.name} holds another vector than version {version}")
                for exact in (False, True):
                    count = self._alike() if version in entry.uploads else 3
                    found = await catalog.search(vector / np.linalg.norm(vector), count, exact=exact)
                    self.figures.by_graph += not found.exact
                    if (entry.id in found.candidates.ids) != bool(version):
                        self.history.violate(f"{entry.name}#{version}: {found.candidates.ids} at the end ({exact=})")
        finally:
            await catalog.aclose()

    def report(self) -> dict[str, Any]:
        starts = sorted(self.figures.starts_s)
        return {
            "seed": self.plan.seed,
            "eager": self.plan.eager,
            "ingests": self.history.ingests,
            "operations": self.history.counts,
            "tracks": len(self.history.live()),
            "deleted": len(self.history.gone()),
            "gateway_kills": self.figures.kills,
            "worker_kills": self.figures.worker_kills,
            "starts": len(starts),
            "slowest_start_s": round(starts[-1], 1),
            "median_start_s": round(starts[len(starts) // 2], 1),
            "degraded_starts": self.figures.degraded_starts,
            "searches": self.figures.searches,
            "by_graph": self.figures.by_graph,
            "replays": self.figures.replays,
            "violations": self.history.violations,
        }


class _Start(ExitStack):
    """The service, and when its start began."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__()
        self._folder, self._options = folder, options

    def __enter__(self) -> tuple[Served, float]:  # type: ignore[override]
        super().__enter__()
        began = time.monotonic()
        return self.enter_context(serve(self._folder, **self._options)), began


def _group(leader: int) -> list[int]:
    """Processes of a group that are alive."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ingests", type=int, default=5_000, help="operations while it is killed")
    parser.add_argument("--before", type=int, default=7_000, help="operations before, so that the graph is in use")
    parser.add_argument("--kills", type=int, default=20, help="of the gateway, at least")
    parser.add_argument("--worker-kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--eager", action="store_true", help="merge, rebuild and write snapshots all the time")
    parser.add_argument("--work", type=Path, help="an empty folder that is kept; one of its own by default")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and the service with it
    plan = Plan(asked.ingests, asked.before, asked.kills, asked.worker_kills, asked.seed, eager=asked.eager)
    with tempfile.TemporaryDirectory() as scratch:
        answer = Crasher(asked.work or Path(scratch), plan).run()
    print(json.dumps(answer, indent=1))
    sys.exit(bool(answer["violations"]))


if __name__ == "__main__":
    _main()
