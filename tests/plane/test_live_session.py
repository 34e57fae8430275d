"""Live sessions inside the plane: what is heard, in which order, and what bounds it."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_kit import (
    PATIENT,
    RATE_HZ,
    FakeLineup,
    asked,
    heard,
    live,
    noise,
    offline,
    raw_scores,
    told,
)

from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.live.query import ListenQuery
from sonotype.plane.live.session import MOST_STEPS, Session, SessionLimits
from sonotype.serving.admission import Admission

NEEDED = RATE_HZ - 80  # samples of a first patch: the mirror image before the start gives half a frame


async def settled(session: Session) -> None:
    """Wait until everything on its way is computed."""
    while session.waiting and not all(pending.work.done() for pending in session._steps):
        await asyncio.sleep(0)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    cuts=st.lists(st.integers(0, 4 * 3 * 11025), max_size=12),
    form=st.sampled_from(["pcm_s16le", "pcm_f32le"]),
    channels=st.integers(1, 3),
    rate_hz=st.sampled_from([8000, 11025, 16000, 44100]),
)
def test_the_answers_do_not_depend_on_how_the_bytes_are_cut(
    cuts: list[int], form: str, channels: int, rate_hz: int
) -> None:
    samples = noise(3.1, rate_hz, channels)
    if form == "pcm_s16le":
        samples = np.round(samples * 32767).astype("<i2")
    data, exact = samples.tobytes(), samples.astype(np.float32) / (32768 if form == "pcm_s16le" else 1)
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    query = asked(form, rate_hz, channels)  # type: ignore[arg-type]

    async def run() -> None:
        lineup = FakeLineup()
        answers = await heard(lineup, query, [data[a:b] for a, b in pairwise(places)])
        assert np.abs(raw_scores(answers) - offline(lineup, query, exact)).max() < 1e-6

    asyncio.run(run())


async def test_the_first_answer_comes_with_the_last_sample_of_the_first_patch() -> None:
    samples = noise(2).tobytes()
    async with live(FakeLineup()).open(asked()) as session:
        await session.feed(samples[: 4 * NEEDED - 1])
        assert session.waiting == 0
        await session.feed(samples[4 * NEEDED - 1 : 4 * NEEDED])
        assert session.waiting == 1
        answer = await anext(session.answers())
        assert (answer.start_s, answer.time_s) == (0.0, 1.0)


async def test_answers_come_in_the_order_of_time() -> None:
    answers = await heard(FakeLineup(), asked(), [noise(6).tobytes()])
    assert [answer.time_s for answer in answers] == pytest.approx(np.arange(1, 6.01, 0.25))


async def test_a_session_shorter_than_a_patch_is_answered_like_a_short_clip() -> None:
    lineup, query, samples = FakeLineup(), asked(), noise(0.4)
    answers = await heard(lineup, query, [samples.tobytes()])
    assert len(answers) == 1
    assert answers[0].time_s == pytest.approx(0.4, abs=0.011)
    assert np.abs(raw_scores(answers) - offline(lineup, query, samples)).max() < 1e-6


async def test_silence_of_the_client_is_no_error() -> None:
    assert await heard(FakeLineup(), asked(), []) == []


async def test_smoothing_is_an_exponential_mean() -> None:
    answers = await heard(FakeLineup(), asked(smoothing_s=1.0), [noise(4).tobytes()])
    mean, share = answers[0].models[0].raw, 1 - np.exp(-0.25)
    for answer in answers[1:]:
        mean = mean + share * (answer.models[0].raw - mean)
        assert np.abs(answer.models[0].scores - mean).max() < 1e-5
    assert np.array_equal(answers[0].models[0].scores, answers[0].models[0].raw)


async def test_who_does_not_take_answers_makes_the_feeder_wait() -> None:
    lineup = FakeLineup()
    async with live(lineup).open(asked()) as session:
        feeding = asyncio.create_task(session.feed(noise(120).tobytes()))
        while session.waiting < MOST_STEPS:
            await asyncio.sleep(0)
        await settled(session)
        assert not feeding.done()
        assert len(lineup.specs) == MOST_STEPS  # nothing beyond the bound was even begun
        assert session.audio_s < 120
        assert session.held_samples < 4 * RATE_HZ  # a patch and a piece, not what was fed
        answers = session.answers()
        for _ in range(20):
            await anext(answers)
        await settled(session)
        assert len(lineup.specs) <= MOST_STEPS + 20
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)


async def test_slow_workers_make_the_feeder_wait() -> None:
    lineup = FakeLineup()
    lineup.hold()
    async with live(lineup).open(asked()) as session:
        telling = asyncio.create_task(told(session))
        feeding = asyncio.create_task(session.feed(noise(30).tobytes()))
        while len(lineup.specs) < MOST_STEPS:
            await asyncio.sleep(0)
        assert not feeding.done()
        lineup.let_go()
        await feeding
        await session.end()
        assert len(await telling) == 117


async def test_every_patch_is_an_item_of_its_own_with_its_own_content() -> None:
    lineup = FakeLineup()
    await heard(lineup, asked(), [noise(3).tobytes()])
    assert len({spec.sha256 for spec in lineup.specs}) == 9
    assert len({spec.deadline for spec in lineup.specs}) > 1


async def test_leaving_gives_everything_up() -> None:
    lineup = FakeLineup()
    lineup.hold()
    service = live(lineup)
    before = asyncio.all_tasks()
    async with service.open(asked()) as session:
        await session.feed(noise(1.5).tobytes())
        assert service.n_open == 1
    assert service.n_open == 0
    assert asyncio.all_tasks() == before


async def failing(
    query: ListenQuery, data: bytes, lineup: FakeLineup | None = None, **options: object
) -> SonotypeError:
    """The error that ends a session."""
    async with live(lineup or FakeLineup(), **options).open(query) as session:  # type: ignore[arg-type]
        feeding = asyncio.create_task(session.feed(data))
        with pytest.raises(SonotypeError) as caught:
            await told(session)
        await feeding
        assert session.over
        return caught.value


async def test_samples_that_are_no_numbers_end_it_after_what_came_before() -> None:
    samples = noise(3)
    samples[-5] = np.nan
    async with live(FakeLineup()).open(asked()) as session:
        feeding = asyncio.create_task(session.feed(samples.tobytes()))
        with pytest.raises(SonotypeError) as caught:
            await told(session)
        await feeding
    assert caught.value.code is Code.NON_FINITE
    assert session.n_answers == 7  # those of the first 2.5 s, the last piece that was whole


async def test_a_patch_that_cannot_be_computed_ends_it() -> None:
    lineup = FakeLineup()
    lineup.failure = SonotypeError(Code.ITEM_FAILED, "The model failed on this audio.")
    assert (await failing(asked(), noise(2).tobytes(), lineup)).code is Code.ITEM_FAILED


async def test_one_that_is_too_long_ends() -> None:
    error = await failing(asked(), noise(4).tobytes(), limits=SessionLimits(60, 3))
    assert error.code is Code.AUDIO_TOO_LONG


async def test_one_without_audio_ends() -> None:
    error = await failing(asked(), b"", limits=SessionLimits(0.05, 60))
    assert error.code is Code.UPLOAD_TIMEOUT


async def test_one_whose_answers_nobody_takes_ends() -> None:
    async with live(FakeLineup(), limits=SessionLimits(0.05, 3600)).open(asked()) as session:
        await session.feed(noise(60).tobytes())  # returns only because the session ends
        assert session.over
        with pytest.raises(SonotypeError) as caught:
            await told(session)
        assert caught.value.code is Code.UPLOAD_TIMEOUT


async def test_a_quota_counts_the_patches() -> None:
    admission = Admission(14400, key_audio_s_per_minute=3.0)
    error = await failing(asked(client="a", hop_s=1.0), noise(10).tobytes(), admission=admission)
    assert error.code is Code.RATE_LIMITED
    assert error.retry_after_s


async def test_it_waits_while_the_service_is_full() -> None:
    admission = Admission(10.0)
    full = admission.admit(10.0, asked().analysis.lane, asyncio.get_running_loop().time() + 60)
    async with live(FakeLineup(), admission=admission).open(asked()) as session:
        telling = asyncio.create_task(anext(session.answers()))
        await session.feed(noise(1).tobytes())
        await asyncio.sleep(0)
        assert not telling.done()
        full.release()
        assert (await telling).time_s == 1.0


async def test_draining_ends_all_of_them_and_lets_none_in() -> None:
    service = live(FakeLineup())
    async with service.open(asked()) as session:
        await session.feed(noise(1.1).tobytes())
        service.drain()
        with pytest.raises(SonotypeError) as caught:
            await told(session)
        assert (caught.value.code, session.n_answers) == (Code.DRAINING, 1)
    with pytest.raises(SonotypeError, match="shutting down"):
        async with service.open(asked()):
            pass


async def test_only_so_many_at_once() -> None:
    service = live(FakeLineup(), sessions=1)
    async with service.open(asked()):
        with pytest.raises(SonotypeError) as caught:
            async with service.open(asked()):
                pass
        assert caught.value.code is Code.OVERLOADED
        assert caught.value.retry_after_s
    async with service.open(asked()):
        pass
    with pytest.raises(SonotypeError, match="switched off"):
        async with live(FakeLineup(), sessions=0).open(asked()):
            pass


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"hop_s": 0.1}, Code.INVALID_REQUEST),
        ({"hop_s": 1.5}, Code.INVALID_REQUEST),
        ({"models": ("nope",)}, Code.MODEL_NOT_FOUND),
        ({"frontend": "nope"}, Code.INVALID_REQUEST),
    ],
)
async def test_wishes_that_cannot_be_met(changes: dict[str, object], code: Code) -> None:
    with pytest.raises(SonotypeError) as caught:
        async with live(FakeLineup(), limits=PATIENT).open(asked(**changes)):
            pass
    assert caught.value.code is code


async def test_models_that_are_still_loaded_are_said_to_be() -> None:
    lineup = FakeLineup()
    lineup.ready = False
    with pytest.raises(SonotypeError, match="still being loaded"):
        async with live(lineup).open(asked()):
            pass
