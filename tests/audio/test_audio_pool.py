"""The pool: limits, accidents, leaving early, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import audio_kit
import numpy as np
import pytest
from audio_kit import read

from sonotype.audio.poison import TTL_S, Poison
from sonotype.audio.pool import DecodeLimits, DecoderPool
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Crop, Upload
from sonotype.telemetry import metrics


def status(pid: int, key: str) -> str:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return line.split(":", 1)[1].strip()
    raise KeyError(key)


def megabytes(pid: int, key: str) -> float:
    return int(status(pid, key).split()[0]) / 1024


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def killed(limit: str) -> float:
    return float(metrics.DECODE_KILLED.labels(limit)._value.get())


async def until(condition: Callable[[], bool], timeout_s: float = 15) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


async def refusal(pool: DecoderPool, upload: Upload, deadline_s: float | None = None) -> Code:
    deadline = None if deadline_s is None else asyncio.get_running_loop().time() + deadline_s
    with pytest.raises(SonotypeError) as caught:
        async with pool.decode(upload, rate_hz=16000, deadline=deadline) as stream:
            await read(stream)
    return caught.value.code


async def works(pool: DecoderPool, upload: Upload) -> None:
    async with pool.decode(upload, rate_hz=16000) as stream:
        assert len(await read(stream)) > 16000


@pytest.fixture
def song(files: dict[str, bytes]) -> Upload:
    return Upload.of(files["mp3"])


@pytest.fixture(scope="session")
def long() -> Upload:
    """Nine minutes: far more than fits in a socket."""
    return Upload.of(audio_kit.flac_silence(540))


async def test_the_pool_gives_what_a_plain_decode_gives(pool: DecoderPool, files: dict[str, bytes]) -> None:
    for data in files.values():
        upload = Upload.of(audio_kit.id3(5000) + data if data[:3] == b"\xff\xfb\x90" else data)
        async with pool.decode(upload, rate_hz=16000) as stream:
            with pytest.raises(RuntimeError):
                _ = stream.info
            samples = await read(stream)
        expected, facts = audio_kit.decode(data)
        np.testing.assert_array_equal(samples, expected)
        assert stream.info.sha256 == upload.sha256
        assert stream.info.duration_s == facts.duration_s
        assert (stream.info.sample_rate_hz, stream.info.channels) == (facts.sample_rate_hz, facts.channels)


async def test_crop_and_rate_reach_the_child(pool: DecoderPool, song: Upload) -> None:
    async with pool.decode(song, rate_hz=44100, crop=Crop(1.0, 0.5)) as stream:
        assert len(await read(stream)) == 22050
    assert stream.info.duration_s == 0.5
    assert stream.info.format == "mp3"


async def test_refusals_cross_the_socket_and_are_counted(pool: DecoderPool, files: dict[str, bytes]) -> None:
    pids = pool.pids()
    count = metrics.DECODE_FAILURES.labels("undecodable")._value
    before = count.get()
    assert await refusal(pool, Upload.of(b"#EXTM3U\nfile:///etc/passwd\n")) is Code.UNSUPPORTED_FORMAT
    assert await refusal(pool, Upload.of(files["wav"][:44])) is Code.UNDECODABLE
    assert await refusal(pool, Upload.of(b"")) is Code.UNDECODABLE
    assert count.get() == before + 2
    assert pool.pids() == pids


async def test_ten_hours_are_refused_quickly_and_cheaply(pool: DecoderPool) -> None:
    bomb = Upload.of(audio_kit.flac_silence(36_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    assert await refusal(pool, bomb) is Code.AUDIO_TOO_LONG
    # The promise is a second; tests share their cores.
    assert time.monotonic() - began < 2.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


async def test_memory_does_not_depend_on_the_length() -> None:
    peaks = []
    for seconds in (180, 3600):
        pool = DecoderPool(1, DecodeLimits(max_clip_s=4000))
        await pool.start()
        async with pool.decode(Upload.of(audio_kit.flac_silence(seconds)), rate_hz=16000) as stream:
            async for _ in stream:
                pass
        peaks.append(megabytes(pool.pids()[0], "VmHWM"))
        await pool.aclose()
    assert peaks[1] < 1.1 * peaks[0]
    assert peaks[1] < 160


async def test_a_consumer_that_does_not_read_stops_the_child(pool: DecoderPool, long: Upload) -> None:
    pid = pool.pids()[0]
    async with pool.decode(long, rate_hz=16000) as stream:
        await anext(stream)
        await asyncio.sleep(0.3)
        before = cpu_s(pid)
        await asyncio.sleep(0.5)
        assert cpu_s(pid) - before < 0.05
        assert len(await read(stream)) > 500 * 16000


async def test_leaving_early_costs_no_process(pool: DecoderPool, long: Upload, song: Upload) -> None:
    pids = pool.pids()
    began = time.monotonic()
    for _ in range(5):
        async with pool.decode(long, rate_hz=16000) as stream:
            await anext(stream)
        async with pool.decode(long, rate_hz=16000):
            pass
    await works(pool, song)
    assert pool.pids() == pids
    assert time.monotonic() - began < 3.0


async def test_a_cancelled_reader_frees_its_child(pool: DecoderPool, song: Upload) -> None:
    os.kill(pool.pids()[0], signal.SIGSTOP)
    task = asyncio.create_task(works(pool, song))
    await asyncio.sleep(0.2)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await works(pool, song)


async def test_a_child_that_hangs_is_killed_at_the_deadline(pool: DecoderPool, song: Upload) -> None:
    pid, before = pool.pids()[0], killed("wall")
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    assert await refusal(pool, song, deadline_s=0.3) is Code.DEADLINE_EXCEEDED
    assert 0.25 < time.monotonic() - began < 1.0
    assert not alive(pid)
    assert killed("wall") == before + 1
    await works(pool, song)


async def test_a_child_that_ignores_the_cancel_is_killed(pool: DecoderPool, long: Upload, song: Upload) -> None:
    pid = pool.pids()[0]
    async with pool.decode(long, rate_hz=16000) as stream:
        await anext(stream)
        os.kill(pid, signal.SIGSTOP)
    await works(pool, song)
    assert not alive(pid)


async def test_waiting_for_a_child_ends_at_the_deadline(pool: DecoderPool, long: Upload, song: Upload) -> None:
    async with pool.decode(long, rate_hz=16000) as stream:
        await anext(stream)
        began = time.monotonic()
        assert await refusal(pool, song, deadline_s=0.2) is Code.DEADLINE_EXCEEDED
        assert 0.15 < time.monotonic() - began < 0.6
    await works(pool, song)


@pytest.mark.parametrize(
    ("number", "limit"), [(signal.SIGSEGV, "crash"), (signal.SIGXCPU, "cpu"), (signal.SIGKILL, "memory")]
)
async def test_a_child_that_dies_takes_nobody_along(
    pool: DecoderPool, long: Upload, song: Upload, number: int, limit: str
) -> None:
    before = killed(limit)
    async with pool.decode(long, rate_hz=16000) as stream:
        await anext(stream)
        os.kill(pool.pids()[0], number)
        with pytest.raises(SonotypeError) as caught:
            await read(stream)
    assert caught.value.code is Code.UNDECODABLE
    assert killed(limit) == before + 1
    await works(pool, song)
    if limit == "memory":  # perhaps a neighbour's fault
        await works(pool, long)
    else:
        assert await refusal(pool, long) is Code.QUARANTINED


async def test_a_child_that_died_idle_is_replaced(pool: DecoderPool, song: Upload) -> None:
    pid = pool.pids()[0]
    os.kill(pid, signal.SIGKILL)
    await asyncio.sleep(0.1)
    await works(pool, song)
    assert pid not in pool.pids()
    assert not alive(pid)


@dataclass(frozen=True, slots=True)
class NoCpu(DecodeLimits):
    @property
    def cpu_s(self) -> int:
        return 0


async def test_cpu_time_is_limited(song: Upload) -> None:
    pool = DecoderPool(1, NoCpu(max_clip_s=36_000))
    await pool.start()
    before = killed("cpu")
    assert await refusal(pool, Upload.of(audio_kit.flac_silence(20_000)), deadline_s=60) is Code.UNDECODABLE
    assert killed("cpu") == before + 1
    await works(pool, song)
    await pool.aclose()


async def test_an_upload_that_does_not_fit_is_refused_and_the_child_lives(song: Upload) -> None:
    pool = DecoderPool(1, DecodeLimits(memory_bytes=400 << 20))
    await pool.start()
    pids, before = pool.pids(), killed("memory")
    big = Upload.of(audio_kit.sndfile(audio_kit.music(0.5), "WAV")[:44] + bytes(300 << 20))
    assert await refusal(pool, big) is Code.UNDECODABLE
    assert killed("memory") == before + 1
    await works(pool, song)
    assert pool.pids() == pids
    await pool.aclose()


async def test_children_are_replaced_after_their_share_of_files(song: Upload) -> None:
    pool = DecoderPool(1, DecodeLimits(files_per_child=3))
    await pool.start()
    first = pool.pids()
    for _ in range(3):
        assert pool.pids() == first
        await works(pool, song)
    await works(pool, song)
    assert pool.pids() != first
    assert not alive(first[0])
    await pool.aclose()


async def test_nothing_is_left_behind(song: Upload, long: Upload) -> None:
    pool = DecoderPool(2)
    await pool.start()  # the first start opens what the interpreter keeps
    await pool.aclose()
    before = sorted(os.listdir("/proc/self/fd"))
    pool = DecoderPool(2)
    await pool.start()
    pids = set(pool.pids())
    for number in range(6):
        async with pool.decode(long, rate_hz=16000) as stream:
            await anext(stream)
            if number % 2:
                os.kill(stream.child.pid, signal.SIGKILL)
        pids |= set(pool.pids())
    await works(pool, song)
    pids |= set(pool.pids())
    await pool.aclose()
    assert len(pids) > 2
    assert not any(alive(pid) for pid in pids)  # a zombie would still be there
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert await refusal(pool, song) is Code.UNAVAILABLE


async def test_many_at_once(files: dict[str, bytes]) -> None:
    pool = DecoderPool(2)
    await pool.start()
    uploads = [Upload.of(data) for data in files.values()] * 5

    async def seconds(upload: Upload) -> float:
        async with pool.decode(upload, rate_hz=16000) as stream:
            return len(await read(stream)) / 16000

    found = await asyncio.gather(*map(seconds, uploads))
    assert all(abs(value - 3.0) < 0.05 for value in found)
    await pool.aclose()


async def test_a_child_has_no_rights(pool: DecoderPool) -> None:
    pid = pool.pids()[0]
    limits = {
        line[:26].strip(): line[26:].split()[0] for line in Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    }
    assert limits["Max address space"] == str(1 << 30)
    assert limits["Max file size"] == limits["Max core file size"] == limits["Max processes"] == "0"
    assert int(limits["Max open files"]) <= 32
    assert status(pid, "NoNewPrivs") == "1"
    assert status(pid, "Threads") == "1"
    if os.geteuid() == 0:
        assert status(pid, "Uid").split() == ["65534"] * 4
        assert int(status(pid, "CapEff"), 16) == 0


CONFINED = """
    import os, socket, sys
    from sonotype.audio import limits
    limits.isolate_network()
    limits.confine(os.getppid(), 1 << 30)
    def refused(act):
        try:
            act()
        except OSError:
            return True
        return False
    acts = [lambda: open("/etc/passwd"), socket.socket, os.fork, os.pipe, lambda: os.open(".", os.O_RDONLY)]
    print([refused(act) for act in acts], dict(os.environ))
"""


def test_a_confined_process_can_open_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CONFINED)], capture_output=True, text=True, timeout=30, check=True
    )
    refused, _, environment = done.stdout.strip().rpartition(" ")
    assert environment == "{}"
    # A root that may not change its user keeps the right to fork.
    assert refused in ("[True, True, True, True, True]", "[True, True, False, True, True]")


ORPHAN = """
    import asyncio
    from sonotype.audio.pool import DecoderPool
    async def main():
        pool = DecoderPool(2)
        await pool.start()
        print(*pool.pids(), flush=True)
        await asyncio.sleep(60)
    asyncio.run(main())
"""


def test_children_die_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(ORPHAN)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(alive, pids))
        parent.kill()
        parent.wait()
    end = time.monotonic() + 5
    while any(alive(pid) and status(pid, "State")[0] != "Z" for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_neither_side_imports_what_it_does_not_need() -> None:
    parent = "import sonotype.audio.pool, sys; print({'torch', 'av', 'soundfile', 'openvino'} & set(sys.modules))"
    child = (
        "import sonotype.audio.child, sys; print({'torch', 'fastapi', 'pydantic', 'prometheus_client', 'asyncio'}"
        " & set(sys.modules))"
    )
    for code in (parent, child):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == "set()"


def test_poison_is_forgotten_after_a_day_and_bounded() -> None:
    now = [0.0]
    poison = Poison(lambda: now[0])
    poison.add("a")
    with pytest.raises(SonotypeError) as caught:
        poison.check("a")
    assert caught.value.code is Code.QUARANTINED
    poison.check("b")
    now[0] = TTL_S + 1
    poison.check("a")
    for number in range(5000):
        poison.add(str(number))
    poison.check("0")
    with pytest.raises(SonotypeError):
        poison.check("4999")
