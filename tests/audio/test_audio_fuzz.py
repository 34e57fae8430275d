"""Ten thousand broken files through the pool: only documented answers, and the pool outlives them."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import audio_kit
import pytest
from audio_kit import read

from sonotype.audio.pool import DecodeLimits, DecoderPool
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Upload
from sonotype.telemetry import metrics

MUTATIONS = int(os.environ.get("FUZZ_MUTATIONS", "10000"))
DEADLINE_S = 20.0
LIMITS = ("cpu", "memory", "wall", "bytes", "crash")
EXPECTED = {200, 413, 415, 422}
INTERESTING = [bytes([byte]) * count for byte in (0, 0x7F, 0x80, 0xFF) for count in (1, 4)]


def mutate(golden: list[bytes], rng: random.Random) -> bytes:
    """One to eight changes to one golden file; half of them in its first 300 bytes, where the structure is."""
    data = bytearray(rng.choice(golden))
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(min(len(data), 300) if rng.random() < 0.5 else len(data))
        length = rng.choice((1, 2, 4, 16, 200))
        match rng.randrange(7):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at : at + length] = rng.randbytes(length)
            case 2:
                value = rng.choice(INTERESTING)
                data[at : at + len(value)] = value
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length]
            case 5:
                del data[max(at, 4) :]
            case 6:
                other = rng.choice(golden)
                data[at:] = other[rng.randrange(len(other)) :]
        if not data:
            return b"\0"
    return bytes(data)


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_mutated_files_get_documented_answers() -> None:
    rng = random.Random(20_260)
    golden = list(audio_kit.every_format(0.4).values())
    assert len(golden) == 12
    pool = DecoderPool(2, DecodeLimits(max_clip_s=60))
    await pool.start()
    loop = asyncio.get_running_loop()
    answers: Counter[str] = Counter()

    async def consume() -> None:
        while answers.total() < MUTATIONS:
            answers["running"] += 1
            upload = Upload.of(mutate(golden, rng))
            began = loop.time()
            try:
                async with pool.decode(upload, rate_hz=16000, deadline=began + DEADLINE_S) as stream:
                    await read(stream)
                answer, http = "decoded", 200
            except SonotypeError as error:
                answer, http = error.code.value, error.meaning.http
            assert http in EXPECTED, f"{answer} for {upload.sha256}"
            assert loop.time() - began < DEADLINE_S
            answers["running"] -= 1
            answers[answer] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(consume())
    del answers["running"]
    print(dict(answers), {limit: metrics.DECODE_KILLED.labels(limit)._value.get() for limit in LIMITS})
    assert answers["decoded"] > MUTATIONS // 10
    assert answers[Code.UNDECODABLE] > MUTATIONS // 20
    assert answers[Code.QUARANTINED] == 0  # no two mutations are equal, and none came back
    for data in golden:
        async with pool.decode(Upload.of(data), rate_hz=16000) as stream:
            assert len(await read(stream)) > 6000
    crashes = metrics.DECODE_KILLED.labels("crash")._value.get()
    assert crashes < MUTATIONS // 100, "the sandbox holds, but such a decoder is not fit for use"
    pids = pool.pids()
    await pool.aclose()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
