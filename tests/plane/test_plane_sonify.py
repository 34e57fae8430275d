"""Renderings and sonifications through the plane: what is heard is what was asked, and every bad request is refused."""

from __future__ import annotations

import asyncio
import io
import os
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from prometheus_client import REGISTRY

from prototype_models import LABELS, SEGMENT_SAMPLES, class_wav
from sonotype.api.prototypes import view_prototype
from sonotype.audio.encode import encode, to_pcm
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Upload
from sonotype.models.heads.provenance import Badge, SeedScore
from sonotype.models.sonify.fake import FakeSonifier
from sonotype.plane.heads import Head
from sonotype.plane.renderings import Renderings
from sonotype.plane.service import Service
from sonotype.plane.sonification import AudioFormat, PathQuery, Rendering, SonifyQuery
from sonotype.serving.cache import SingleFlight
from sonotype.serving.quota import AudioQuota
from sonotype.serving.sonify.order import Order
from sonotype.serving.sonify.shelf import Shelf
from sonotype.serving.sonify.ticket import Ticket

pytestmark = pytest.mark.asyncio(loop_scope="module")

PIANO, SAX = "plain.piano.0", "plain.tenor-saxophone.1"
DECODED = Rendering("prototype", 0)
VECTOR = tuple(0.1 * i for i in range(16))


def head(plane: Service, name: str = "plain") -> Head:
    return plane._lineups.current.deployment.heads[name]


def raw(plane: Service, prototype_id: str) -> Floats:
    classifier = head(plane).classifier
    return classifier.raw_prototypes()[classifier.ids.index(prototype_id)]


def heard(plane: Service, embedding: Floats, seed: int = 0) -> np.ndarray:
    """What the fake decoder makes of an embedding, in 16 bits."""
    decoder = head(plane).card.decoder
    assert decoder is not None
    return to_pcm(np.concatenate(list(FakeSonifier(decoder).stream(embedding, seed=seed))))


def made(source: str = "made") -> float:
    return REGISTRY.get_sample_value("sonotype_renderings_total", {"source": source}) or 0.0


async def sonify(plane: Service, upload: Upload | None = None, **options: Any) -> tuple[np.ndarray, Any]:
    async with plane.sonify(SonifyQuery(**options), upload) as running:
        data = b"".join([chunk async for chunk in running.chunks])
    if running.n_bytes is not None:
        assert len(data) == running.n_bytes
    samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="int16")
    assert rate_hz == running.sample_rate_hz
    return samples, running


async def test_prototypes_are_listed_by_model_and_label(plane: Service) -> None:
    assert {info.model for info in plane.prototypes()} == {"plain@1", "slow@1", "mute@1"}
    assert [info.id for info in plane.prototypes("plain", "piano")] == ["plain.piano.0", "plain.piano.1"]
    assert plane.prototypes("fake") == []
    assert plane.prototypes(label="nothing") == []
    info = plane.prototype(SAX)
    assert (info.label, info.offered, len(info.renderings)) == ("tenor saxophone", DECODED, 6)
    assert (info.record is not None, plane.prototype("mute.piano.0").offered) == (True, None)
    for wrong in ("nobody", "plain.piano.7"):
        with pytest.raises(SonotypeError) as caught:
            plane.prototype(wrong)
        assert caught.value.code is Code.NOT_FOUND
    with pytest.raises(SonotypeError):
        plane.prototypes("nobody")


@pytest.mark.parametrize("audio_format", ["wav", "flac"])
async def test_a_rendering_is_the_decoded_prototype(plane: Service, audio_format: AudioFormat) -> None:
    file = await plane.prototype_audio(PIANO, Rendering("prototype", 2), audio_format)
    samples, _ = soundfile.read(io.BytesIO(file.data), dtype="int16")
    np.testing.assert_array_equal(samples, heard(plane, raw(plane, PIANO), seed=2))
    assert (file.rendering, file.media_type) == (Rendering("prototype", 2), f"audio/{audio_format}")
    assert file.duration_s == pytest.approx(SEGMENT_SAMPLES / 16000)
    assert (await plane.prototype_audio(PIANO, Rendering("prototype", 2), audio_format)).etag == file.etag


async def test_the_noise_that_the_gate_kept_is_what_is_rendered(plane: Service, tmp_path: Path) -> None:
    known = plane._lineups.current.prototypes.get(PIANO)
    marks = dict.fromkeys(("cosine", "ceiling", "share", "retrieval", "classifier", "judge", "seeds"), 0.9)
    score = SeedScore(seed=1, noise=6, cosine=0.9, rank=1, classifier="piano", judge="piano")
    badge = Badge(passed=True, tries=3, null_other=0.0, null_zero=0.0, scores=(score,), **marks)
    assert known.info.record is not None
    info = replace(known.info, record=known.info.record.model_copy(update={"prototype": badge}))
    renderings = Renderings(plane._lane, Shelf(tmp_path / "shelf"), SingleFlight(plane._store), 20)
    for kind, seed, noise in (("prototype", 1, 6), ("prototype", 2, 2), ("medoid", 1, 1)):
        file = await renderings.audio(replace(known, info=info), Rendering(kind, seed), "wav")
        samples, _ = soundfile.read(io.BytesIO(file.data), dtype="int16")
        classifier = head(plane).classifier
        vector = classifier.medoids[known.index] if kind == "medoid" else raw(plane, PIANO)
        np.testing.assert_array_equal(samples, heard(plane, vector, seed=noise))
    assert view_prototype(info).note.endswith("Of 3 sonifications per seed the one nearest to its embedding is kept.")


async def test_every_format_has_a_tag_of_its_own(plane: Service) -> None:
    formats: tuple[AudioFormat, ...] = ("wav", "flac", "ogg", "mp3")
    files = [await plane.prototype_audio(PIANO, None, audio_format) for audio_format in formats]
    assert len({file.etag for file in files}) == 4
    assert {file.rendering for file in files} == {DECODED}


async def test_the_medoid_is_decoded_too(plane: Service) -> None:
    file = await plane.prototype_audio(SAX, Rendering("medoid", 1), "wav")
    classifier = head(plane).classifier
    samples, _ = soundfile.read(io.BytesIO(file.data), dtype="int16")
    np.testing.assert_array_equal(samples, heard(plane, classifier.medoids[classifier.ids.index(SAX)], seed=1))


async def test_all_who_want_the_same_wait_for_one(plane: Service) -> None:
    before = made()
    rendering = Rendering("prototype", 1)
    files = await asyncio.gather(*(plane.prototype_audio("slow.flute.0", rendering, "wav") for _ in range(5)))
    assert made() - before == 1
    assert len({file.etag for file in files}) == 1


async def test_who_joins_a_rendering_of_the_background_has_a_deadline(plane: Service, tmp_path: Path) -> None:
    flights = SingleFlight(plane._store)
    renderings = Renderings(plane._lane, Shelf(tmp_path / "shelf"), flights, 0.03)
    prototype = plane._lineups.current.prototypes.get("slow.oboe.0")
    background = asyncio.create_task(renderings._source(prototype, DECODED, background=True))
    while not flights._flights:
        await asyncio.sleep(0.001)
    with pytest.raises(SonotypeError) as caught:
        await renderings.audio(prototype, DECODED, "wav")
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert await background, "it goes on for the others"


async def test_renderings_survive_a_restart_and_damage(plane: Service, folder: Path) -> None:
    before = await plane.prototype_audio(PIANO, DECODED, "flac")
    prototype = plane._lineups.current.prototypes.get(PIANO)

    def again() -> Renderings:
        """As after a restart: nothing in memory."""
        shelf = Shelf(folder / "data" / "sonifications")
        return Renderings(plane._lane, shelf, SingleFlight(plane._store), 20)

    from_disk, remade = made("disk"), made()
    assert (await again().audio(prototype, DECODED, "flac")).data == before.data
    assert (made("disk") - from_disk, made() - remade) == (1, 0)
    (path,) = (folder / "data" / "sonifications").glob(f"*/{PIANO}.prototype.0.*.flac")
    for damage in (before.data[:-10], b"", before.data[:500] + bytes([before.data[500] ^ 1]) + before.data[501:]):
        path.write_bytes(damage)
        damaged, remade = made("damaged"), made()
        assert (await again().audio(prototype, DECODED, "flac")).data == before.data
        assert (made("damaged") - damaged, made() - remade) == (1, 1)
    assert path.read_bytes() == before.data


async def test_a_full_disk_costs_only_the_memory_of_it(plane: Service, tmp_path: Path) -> None:
    (tmp_path / "shelf").write_text("not a folder")
    renderings = Renderings(plane._lane, Shelf(tmp_path / "shelf"), SingleFlight(plane._store), 20)
    assert (await renderings.audio(plane._lineups.current.prototypes.get(PIANO), DECODED, "wav")).data


async def test_a_real_segment_is_played_as_it_is(plane: Service) -> None:
    prototype = plane._lineups.current.prototypes.get(SAX)
    pcm = to_pcm(np.sin(np.arange(8000) / 9).astype(np.float32))
    ogg = encode(pcm, 16000, "ogg")
    prototype.segment.parent.mkdir(exist_ok=True)
    prototype.segment.write_bytes(ogg)
    rendering = Rendering("segment")
    real = replace(prototype, info=replace(prototype.info, renderings=(rendering,), offered=rendering))
    assert (await plane._renderings.audio(real, None, "ogg")).data == ogg
    file = await plane._renderings.audio(real, None, "mp3")
    assert file.duration_s == pytest.approx(0.5, abs=0.02)
    prototype.segment.write_bytes(b"OggS")
    with pytest.raises(SonotypeError) as caught:
        await plane._renderings.audio(real, None, "flac")
    assert caught.value.code is Code.WEIGHTS_CORRUPT
    prototype.segment.unlink()
    with pytest.raises(SonotypeError) as caught:
        await plane._renderings.audio(real, None, "wav")
    assert caught.value.code is Code.NOT_FOUND


@pytest.mark.parametrize(
    ("prototype_id", "rendering"),
    [(PIANO, Rendering("prototype", 99)), (PIANO, Rendering("segment")), ("mute.piano.0", None), ("nobody", None)],
)
async def test_what_cannot_be_played_is_not_found(
    plane: Service, prototype_id: str, rendering: Rendering | None
) -> None:
    with pytest.raises(SonotypeError) as caught:
        await plane.prototype_audio(prototype_id, rendering, "wav")
    assert caught.value.code is Code.NOT_FOUND


async def test_an_embedding_is_heard(plane: Service) -> None:
    samples, running = await sonify(plane, embedding=VECTOR, seed=3)
    np.testing.assert_array_equal(samples, heard(plane, np.asarray(VECTOR, np.float32), seed=3))
    assert (running.model, running.n_samples, len(running.labels)) == ("plain@1", SEGMENT_SAMPLES, 1)
    assert 0 < running.scores[0] <= 1


@pytest.mark.parametrize("audio_format", ["ogg", "mp3", "flac"])
async def test_every_format_is_streamed(plane: Service, audio_format: AudioFormat) -> None:
    query = SonifyQuery(embedding=VECTOR, format=audio_format)
    async with plane.sonify(query) as running:
        chunks = [chunk async for chunk in running.chunks]
    assert running.n_bytes is None
    assert len(chunks) > 1
    assert all(chunks)


async def test_a_mixture_is_the_weighted_mean(plane: Service) -> None:
    samples, running = await sonify(plane, mixture=((PIANO, 3.0), (SAX, 1.0)))
    np.testing.assert_array_equal(samples, heard(plane, 0.75 * raw(plane, PIANO) + 0.25 * raw(plane, SAX)))
    assert running.model == "plain@1"
    assert (await sonify(plane, mixture=((PIANO, 1.0),)))[1].labels == ("piano",)
    assert (await sonify(plane, mixture=(("slow.oboe.0", 1.0),)))[1].model == "slow@1", "the owner of the prototypes"


async def test_what_the_model_kept_of_an_upload(plane: Service) -> None:
    upload = Upload.of(class_wav(2, 3.0, seed=9))
    samples, running = await sonify(plane, upload, model="plain")
    assert (running.labels, len(samples)) == (("piano",), SEGMENT_SAMPLES)


async def test_a_path_goes_from_one_class_to_another_one_segment_per_point(plane: Service) -> None:
    path = PathQuery("piano", "flute", 4)
    samples, running = await sonify(plane, path=path)
    assert (len(running.labels), len(samples)) == (4, 4 * SEGMENT_SAMPLES)
    assert (running.labels[0], running.labels[-1]) == ("flute", "piano")
    path = PathQuery(LABELS[0], None, 2)
    _, running = await sonify(plane, Upload.of(class_wav(2, 2.0, seed=8)), path=path)
    assert running.labels == ("piano", "flute")
    _, running = await sonify(plane, mixture=((SAX, 1.0),), path=path)
    assert running.labels == ("tenor saxophone", "flute")


BAD: list[tuple[dict[str, Any], Code]] = [
    ({}, Code.INVALID_REQUEST),
    ({"path": PathQuery("piano")}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "mixture": ((PIANO, 1.0),)}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "path": PathQuery("piano", "flute")}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR[:-1]}, Code.INVALID_REQUEST),
    ({"embedding": (*VECTOR[:-1], float("nan"))}, Code.INVALID_REQUEST),
    ({"embedding": (*VECTOR[:-1], 1e300)}, Code.INVALID_REQUEST),
    ({"mixture": ((PIANO, 0.0),)}, Code.INVALID_REQUEST),
    ({"mixture": ((PIANO, -1.0), (SAX, 2.0))}, Code.INVALID_REQUEST),
    ({"mixture": ((PIANO, float("inf")),)}, Code.INVALID_REQUEST),
    ({"mixture": ((PIANO, 1e308), (SAX, 1e308))}, Code.INVALID_REQUEST),
    ({"mixture": ((PIANO, 1.0),) * 65}, Code.INVALID_REQUEST),
    ({"mixture": (("plain.piano.9", 1.0),)}, Code.NOT_FOUND),
    ({"mixture": (("nobody.piano.0", 1.0),)}, Code.NOT_FOUND),
    ({"mixture": (("slow.flute.0", 1.0),), "model": "plain"}, Code.NOT_FOUND),
    ({"path": PathQuery("trombone", "flute")}, Code.INVALID_REQUEST),
    ({"path": PathQuery("flute", "trombone")}, Code.INVALID_REQUEST),
    ({"path": PathQuery("flute", "flute")}, Code.INVALID_REQUEST),
    ({"path": PathQuery("piano", "flute", 1)}, Code.INVALID_REQUEST),
    ({"path": PathQuery("piano", "flute", 10)}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "steps": 0}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "steps": 101}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "guidance": -0.1}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "guidance": float("nan")}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "guidance": 10.1}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "seed": -1}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "seed": 2**40}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "format": "aiff"}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "model": "mute"}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "model": "fake"}, Code.INVALID_REQUEST),
    ({"embedding": VECTOR, "model": "nobody"}, Code.MODEL_NOT_FOUND),
    ({"embedding": VECTOR, "timeout_s": 0.0}, Code.DEADLINE_EXCEEDED),
    ({"embedding": VECTOR, "model": "slow", "timeout_s": 0.03}, Code.DEADLINE_EXCEEDED),
]


@pytest.mark.parametrize(("options", "code"), BAD)
async def test_bad_requests_are_refused(plane: Service, options: dict[str, Any], code: Code) -> None:
    with pytest.raises(SonotypeError) as caught:
        await sonify(plane, **options)
    assert caught.value.code is code, caught.value.detail
    assert caught.value.detail.endswith(".")


async def test_two_starts_with_an_upload_are_refused_before_it_is_analysed(plane: Service) -> None:
    with pytest.raises(SonotypeError) as caught:
        await sonify(plane, Upload.of(b"nonsense"), embedding=VECTOR)
    assert caught.value.code is Code.INVALID_REQUEST
    with pytest.raises(SonotypeError) as caught:
        await sonify(plane, Upload.of(b"nonsense"))
    assert caught.value.code is Code.UNSUPPORTED_FORMAT


async def test_a_full_lane_refuses_before_an_upload_is_analysed(plane: Service) -> None:
    query = SonifyQuery(model="slow", path=PathQuery("oboe", "flute", 9))
    async with plane.sonify(query), AsyncExitStack() as stack:
        order = Order(head(plane).card, head(plane).folder, np.zeros((1, len(VECTOR)), np.float32), 0)
        await stack.enter_async_context(plane._lane.open(order, None))
        with pytest.raises(SonotypeError) as caught:
            await sonify(plane, Upload.of(b"nonsense"))
        assert caught.value.code is Code.OVERLOADED


async def test_generated_audio_counts_against_the_quota(plane: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane._admission, "_quota", AudioQuota(2.5))
    path = PathQuery("piano", "flute", 2)
    await sonify(plane, path=path, client="a")
    with pytest.raises(SonotypeError) as caught:
        await sonify(plane, path=path, client="a")
    assert caught.value.code is Code.RATE_LIMITED
    await sonify(plane, path=path, client="b")
    await sonify(plane, path=path)


@pytest.mark.parametrize("n_made", [0, SEGMENT_SAMPLES])
async def test_what_cannot_be_made_is_given_back(plane: Service, monkeypatch: pytest.MonkeyPatch, n_made: int) -> None:
    async def fail(ticket: Ticket) -> None:
        ticket.put(np.zeros(n_made, np.float32))
        ticket.fail(SonotypeError(Code.ITEM_FAILED, "The decoder failed."))

    quota = AudioQuota(10.0)
    monkeypatch.setattr(plane._admission, "_quota", quota)
    monkeypatch.setattr(plane._admission, "_clock", lambda: 0.0)
    with monkeypatch.context() as broken:
        broken.setattr(plane._lane._engine, "run", fail)
        with pytest.raises(SonotypeError) as caught:
            await sonify(plane, path=PathQuery("piano", "flute", 2), client="a")
        assert caught.value.code is Code.ITEM_FAILED
    left_s = 10.0 - n_made / 16000
    assert (quota.missing_s("a", left_s - 0.01, 0.0), quota.missing_s("a", left_s + 0.01, 0.0) > 0) == (0.0, True)
    async with plane.sonify(SonifyQuery(path=PathQuery("piano", "flute", 2), client="a")) as running:
        assert await anext(running.chunks)
    assert quota.missing_s("a", left_s - 2 * SEGMENT_SAMPLES / 16000 + 0.01, 0.0) > 0, "who leaves has been served"


async def test_who_leaves_makes_room_at_once(plane: Service) -> None:
    tasks = len(asyncio.all_tasks())
    for _ in range(4):  # more than the queue holds
        async with plane.sonify(SonifyQuery(model="slow", path=PathQuery("oboe", "flute", 9))) as running:
            assert await anext(running.chunks)
    assert len((await sonify(plane, embedding=VECTOR))[0]) == SEGMENT_SAMPLES
    await asyncio.sleep(0.01)
    assert len(asyncio.all_tasks()) <= tasks
    assert plane._lane.waiting == 0


async def test_renderings_of_models_that_are_gone_are_removed_but_for_the_last_few(
    plane: Service, folder: Path, tmp_path: Path
) -> None:
    gone = Shelf(tmp_path / "shelf")
    names = [f"{number:032x}" for number in range(8)]
    for age, name in enumerate(reversed(names)):
        gone.put(name, "a.prototype.0", b"fLaC")
        os.utime(tmp_path / "shelf" / name, (1e9 + age, 1e9 + age))
    (tmp_path / "shelf" / "notes").mkdir()
    assert sorted(gone.tidy({names[7]}, spare=3)) == names[3:7]
    assert {path.name for path in (tmp_path / "shelf").iterdir()} == {*names[:3], names[7], "notes"}
    assert gone.get(names[7], "a.prototype.0") == b"fLaC"
    assert Shelf(tmp_path / "none").tidy(set(), spare=0) == []

    file = await plane.prototype_audio(PIANO, DECODED, "flac")
    own = folder / "data" / "sonifications"
    for name in names:
        Shelf(own).put(name, "a.prototype.0", b"fLaC")
    await plane.tidy_up()
    assert len(set(names) & {path.name for path in own.iterdir()}) == 4
    again = Renderings(plane._lane, Shelf(own), SingleFlight(plane._store), 20)
    before = made()
    assert (await again.audio(plane._lineups.current.prototypes.get(PIANO), DECODED, "flac")).etag == file.etag
    assert made() == before, "what is served stays"


async def test_warming_makes_every_rendering_and_only_once(plane: Service) -> None:
    await plane.warm_up()
    before, disk = made(), made("disk")
    await plane.warm_up()
    for info in plane.prototypes("plain"):
        for rendering in info.renderings:
            await plane.prototype_audio(info.id, rendering, "flac")
    assert made() == before
    assert made("disk") > disk
