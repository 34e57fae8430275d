"""What serving costs, against the bare pass over the same file, in one run.

The service is the real command with real weights and one worker of one thread. Requests and bare passes take turns,
so that whatever else the machine does hits both; ratios are what to read, times belong to the machine.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from bench.serving import clips, launch, report
from bench.serving.bare import Bare
from bench.serving.client import Client, Reply
from bench.throughput.run import machine

_FRESH = "/v1/analyze?cache=bypass"
_CLIP_S, _TRACK_S = 30.0, 180.0
_PEER_CLIENTS = 8
T = TypeVar("T")


def latency(port: int, bare: Bare, audio: bytes, rounds: int, limit_s: float) -> dict[str, Any]:
    """Requests that nothing has cached and bare passes, turn by turn."""
    bares, replies = [], []
    end = time.monotonic() + limit_s
    with contextlib.closing(Client(port)) as client:
        client.analyze(audio, _FRESH)
        bare.run(audio)
        for number in range(rounds):
            if time.monotonic() > end:
                break
            take = clips.distinct(audio, number)
            bares.append(_timed(lambda take=take: bare.run(take)))
            replies.append(client.analyze(take, _FRESH))
    return report.added(bares, replies)


def hits(folder: Path, model: str, audio: bytes, files: int, repeats: int, **settings: str) -> dict[str, Any]:
    """Cache hits: from the shared store just after a restart, then from the memory of the process.

    Raises:
        RuntimeError: an answer did not come from the cache.
    """
    folder.mkdir()
    takes = [clips.distinct(audio, number) for number in range(files)]
    with launch.service(folder, model, **settings) as port, contextlib.closing(Client(port)) as client:
        for take in takes:
            if client.analyze(take, "/v1/analyze").cached:
                raise RuntimeError("a new file was answered from the cache")
    with launch.service(folder, model, **settings) as port, contextlib.closing(Client(port)) as client:
        client.get("/readyz")
        first = [client.analyze(take, "/v1/analyze") for take in takes]
        again = [client.analyze(takes[number % files], "/v1/analyze") for number in range(repeats)]
    if not all(reply.cached for reply in first + again):
        raise RuntimeError("a known file was not answered from the cache")
    return {"after_restart": report.waits(first), "repeats": report.waits(again) | report.aims(again)}


def load_at(port: int, bare: Bare, audio: bytes, *, clients: int, count: int, limit_s: float) -> dict[str, Any]:
    """Distinct clips from `clients` clients at once, between two halves of the bare passes."""

    def send(client: Client, number: int) -> Reply:
        return client.analyze(clips.distinct(audio, number), _FRESH)

    with contextlib.closing(Client(port)) as client:
        before = report.batches(client.get("/metrics")[1])
    bares, replies, wall_s = _sandwich(bare, audio, lambda: _crowd(port, clients, count, limit_s, send))
    with contextlib.closing(Client(port)) as client:
        after = report.batches(client.get("/metrics")[1])
    return report.load(bares, [r.wall_s for r in replies], wall_s, _CLIP_S, clients) | {
        "batches": report.between(before, after)
    }


def peer_at(port: int, bare: Bare, audio: bytes, *, clients: int, count: int, limit_s: float) -> dict[str, Any]:
    """The same load on LitServe."""

    def send(client: Client, number: int) -> float:
        take = base64.b64encode(clips.distinct(audio, number)).decode()
        return client.post_json("/predict", json.dumps({"audio": take}))

    with contextlib.closing(Client(port)) as client:
        send(client, 0)
    bares, walls, wall_s = _sandwich(bare, audio, lambda: _crowd(port, clients, count, limit_s, send))
    return report.load(bares, walls, wall_s, _CLIP_S, clients)


def _sandwich(
    bare: Bare, audio: bytes, load: Callable[[], tuple[list[T], float]]
) -> tuple[list[float], list[T], float]:
    """Bare passes before and after a load; the machine is ours alone in all three."""
    bares = [_timed(lambda: bare.run(audio)) for _ in range(6)]
    answers, wall_s = load()
    return [*bares, *(_timed(lambda: bare.run(audio)) for _ in range(6))], answers, wall_s


def _crowd(
    port: int, clients: int, count: int, limit_s: float, send: Callable[[Client, int], T]
) -> tuple[list[T], float]:
    """Closed loop: each client sends its next file when it has its answer, until `count` files or the time is up."""
    numbers = iter(range(count))  # its next() is one step of the interpreter, so threads may share it
    end = time.monotonic() + limit_s

    def one(_: int) -> list[T]:
        answers = []
        with contextlib.closing(Client(port)) as client:
            for number in numbers:
                answers.append(send(client, number))
                if time.monotonic() > end:
                    break
        return answers

    begin = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answers = [answer for found in pool.map(one, range(clients)) for answer in found]
    return answers, time.perf_counter() - begin


def _timed(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def measure(args: argparse.Namespace, files: list[Path]) -> dict[str, Any]:
    """All stages, one after the other."""
    clip, track = clips.make(files, _CLIP_S), clips.make(files, _TRACK_S)
    bare = Bare(args.model)
    result: dict[str, Any] = {"model": args.model, "precision": bare.runtime.precision, "machine": machine()}
    result["machine"]["load_before"] = round(os.getloadavg()[0], 2)
    with _scratch() as folder:
        with launch.service(folder, args.model) as port:
            _say("latency")
            result["latency"] = {
                "30 s": latency(port, bare, clip, args.rounds, 20),
                "180 s": latency(port, bare, track, args.rounds, 40),
            }
            result["throughput"] = []
            for clients in (1, 8, 64):
                _say(f"{clients} clients")
                result["throughput"].append(
                    load_at(port, bare, clip, clients=clients, count=max(32, 2 * clients), limit_s=30)
                )
        _say("cache")
        result["cache"] = {"sqlite": hits(folder / "sqlite", args.model, track, args.files, args.hits)}
        with launch.redis(folder) as url:
            if url is not None:
                found = hits(folder / "redis", args.model, track, args.files, args.hits, redis_url=url)
                result["cache"]["redis"] = found
        if args.litserve:
            _say("litserve")
            with launch.litserve(args.litserve, folder, args.model) as port:
                result["litserve"] = peer_at(port, bare, clip, clients=_PEER_CLIENTS, count=32, limit_s=30)
    return result


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _say(stage: str) -> None:
    sys.stderr.write(f"{stage} …\n")


def parse() -> argparse.Namespace:
    """Read the command line."""
    here = Path(__file__).parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="?", default=here.parent / "tests" / "golden" / "clips")
    parser.add_argument("--model", default="musicnn-msd")
    parser.add_argument("--rounds", type=int, default=12, help="pairs of request and bare pass per length")
    parser.add_argument("--files", type=int, default=20, help="files in the cache")
    parser.add_argument("--hits", type=int, default=400, help="repeated requests for them")
    parser.add_argument("--litserve", metavar="PYTHON", help="a Python that has litserve and sonotype")
    parser.add_argument("--out", type=Path, default=here / "results" / "serving.json")
    return parser.parse_args()


def main() -> None:
    """Measure, print tables and write JSON."""
    args = parse()
    files = sorted(args.clips.glob("*.mp3"))
    if not files:
        sys.exit(f"no MP3 files in {args.clips}")
    begin = time.perf_counter()
    result = measure(args, files)
    result["took_s"] = round(time.perf_counter() - begin)
    args.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    report.show(result)


if __name__ == "__main__":
    main()
