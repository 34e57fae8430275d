"""Prototypes and sonifications on the gRPC face, and that it says what REST says."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

import fakeprototypes as fake
import grpc
import httpx
import pytest
from conftest import IDLE_S
from fakeplane import FakePlane
from google.protobuf.json_format import MessageToDict

from sonotype.api.grpc import convert_prototypes as convert
from sonotype.api.grpc.enums import FORMATS, KINDS
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub
from sonotype.core.errors import TABLE, Code, SonotypeError

MIX = pb.SonifyOptions(prototypes=[pb.WeightedPrototype(id="pecmae.cello.0", weight=2)])
PASSED = "pecmae.cello.0"


def asked(options: pb.SonifyOptions, *chunks: bytes) -> Any:
    return iter([pb.SonifyRequest(options=options), *(pb.SonifyRequest(chunk=chunk) for chunk in chunks)])


async def received(call: Any) -> tuple[pb.AudioHeader, bytes]:
    first, *rest = [message async for message in call]
    assert first.WhichOneof("part") == "header"
    assert all(message.WhichOneof("part") == "data" for message in rest)
    return first.header, b"".join(message.data for message in rest)


async def failed(call: Any) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await received(call)
    return caught.value.code().name, str(dict(caught.value.trailing_metadata() or ()).get("sonotype-code"))


# --- the same as REST


@pytest.mark.parametrize("prototype_id", list(fake.prototypes()))
async def test_one_prototype_is_the_same(client: httpx.AsyncClient, stub: SonotypeStub, prototype_id: str) -> None:
    rest = (await client.get(f"/v1/prototypes/{prototype_id}")).json()
    rpc = await stub.GetPrototype(pb.GetPrototypeRequest(id=prototype_id))
    for name in ("id", "model", "label", "note"):
        assert rest[name] == getattr(rpc, name)
    assert pb.Verdict.Name(rpc.verdict) == f"VERDICT_{rest['verdict'].upper()}"
    assert [(KINDS[one["kind"]], one["seed"] or 0) for one in rest["renderings"]] == [
        (one.kind, one.seed) for one in rpc.renderings
    ]
    assert (rest["offered"] is not None) == rpc.HasField("offered")
    for name in ("badge", "decoded_medoid", "provenance"):
        assert (rest[name] is not None) == rpc.HasField(name)
        if rest[name] is not None:
            same(rest[name], as_dict(getattr(rpc, name)))


def as_dict(message: Any) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def same(rest: Any, rpc: Any) -> None:
    """64-bit numbers are strings in protobuf's JSON."""
    if isinstance(rest, dict):
        assert rest.keys() == rpc.keys()
        for name, value in rest.items():
            same(value, rpc[name])
    elif isinstance(rest, list):
        assert len(rest) == len(rpc)
        for theirs, ours in zip(rest, rpc, strict=True):
            same(theirs, ours)
    elif isinstance(rest, int | float) and not isinstance(rest, bool):
        assert rest == pytest.approx(float(rpc), abs=1e-6)
    else:
        assert rest == rpc


async def test_lists_are_the_same(client: httpx.AsyncClient, stub: SonotypeStub) -> None:
    for params in ({}, {"label": "flute"}, {"model": "pecmae@1", "label": "cello"}, {"model": "fake"}):
        rest = (await client.get("/v1/prototypes", params=params)).json()["prototypes"]
        rpc = (await stub.ListPrototypes(pb.ListPrototypesRequest(**params))).prototypes
        assert [one["id"] for one in rest] == [one.id for one in rpc]


async def test_the_model_is_the_same(client: httpx.AsyncClient, stub: SonotypeStub) -> None:
    rest = (await client.get("/v1/models/pecmae")).json()
    rpc = await stub.GetModel(pb.GetModelRequest(name="pecmae"))
    assert rpc.kind == pb.MODEL_KIND_PROTOTYPES
    ours = as_dict(rpc.prototypes)
    assert ours["decoder"].pop("sha256", None) is None
    assert rest["prototypes"]["decoder"].pop("sha256") is None
    same(rest["prototypes"], ours)
    assert [e["name"] for e in rest["embeddings"]] == [e.name for e in rpc.embeddings]
    assert rest["weights_sha256"] == rpc.weights_sha256
    assert (await stub.GetModel(pb.GetModelRequest(name="fake"))).kind == pb.MODEL_KIND_NETWORK


@pytest.mark.parametrize(
    ("params", "request_"),
    [
        ({}, pb.GetPrototypeAudioRequest()),
        ({"format": "mp3"}, pb.GetPrototypeAudioRequest(format=pb.AUDIO_FORMAT_MP3)),
        ({"kind": "segment"}, pb.GetPrototypeAudioRequest(kind=pb.RENDERING_KIND_SEGMENT)),
        ({"seed": 2}, pb.GetPrototypeAudioRequest(seed=2)),
        ({"kind": "prototype", "seed": 1}, pb.GetPrototypeAudioRequest(kind=pb.RENDERING_KIND_PROTOTYPE, seed=1)),
    ],
)
async def test_audio_is_the_same(
    client: httpx.AsyncClient,
    stub: SonotypeStub,
    plane: FakePlane,
    params: dict[str, Any],
    request_: pb.GetPrototypeAudioRequest,
) -> None:
    rest = await client.get(f"/v1/prototypes/{PASSED}/audio", params=params)
    request_.id = PASSED
    header, data = await received(stub.GetPrototypeAudio(request_))
    assert plane.rendered[0] == plane.rendered[1]
    assert data == rest.content
    assert f'"{header.etag}"' == rest.headers["etag"]
    assert (header.media_type, header.n_bytes) == (rest.headers["content-type"], len(data))
    assert header.duration_s == float(rest.headers["sonotype-duration"])
    assert rest.headers["sonotype-rendering"].startswith(
        pb.RenderingKind.Name(header.rendering.kind).rpartition("_")[2].lower()
    )


SONIFY_CASES: list[tuple[dict[str, Any], pb.SonifyOptions]] = [
    ({"prototypes": [{"id": PASSED, "weight": 2}]}, MIX),
    ({"embedding": [0.5, -1]}, pb.SonifyOptions(embedding=[0.5, -1])),
    (
        {"path": {"from_label": "cello", "to_label": "flute", "points": 3}, "seed": 5},
        pb.SonifyOptions(path=pb.CounterfactualPath(from_label="cello", to_label="flute", points=3), seed=5),
    ),
    (
        {"embedding": [1], "model": "pecmae", "steps": 7, "guidance": 0.5, "format": "ogg"},
        pb.SonifyOptions(embedding=[1], model="pecmae", steps=7, guidance=0.5, format=pb.AUDIO_FORMAT_OGG),
    ),
]


@pytest.mark.parametrize(("body", "options"), SONIFY_CASES)
async def test_sonifications_are_the_same(
    client: httpx.AsyncClient, stub: SonotypeStub, plane: FakePlane, body: dict[str, Any], options: pb.SonifyOptions
) -> None:
    rest = await client.post("/v1/sonify", json=body)
    header, data = await received(stub.Sonify(asked(options)))
    assert plane.sonify_calls[0] == plane.sonify_calls[1]
    assert data == rest.content
    assert header.media_type == rest.headers["content-type"]
    assert (header.model, header.sample_rate_hz) == (rest.headers["sonotype-model"], 16000)
    said = [pair.rpartition(":") for pair in rest.headers["sonotype-labels"].split(", ")]
    assert [unquote(label) for label, _, _ in said] == list(header.labels)
    assert [float(score) for _, _, score in said] == pytest.approx(list(header.scores), abs=1e-6)
    assert header.HasField("n_bytes") == ("content-length" in rest.headers)


async def test_an_upload_is_the_same(client: httpx.AsyncClient, stub: SonotypeStub, plane: FakePlane) -> None:
    await client.post("/v1/sonify", params={"to_label": "cello"}, content=b"RIFFRAFF", headers={"content-type": ""})
    await received(stub.Sonify(asked(pb.SonifyOptions(path=pb.CounterfactualPath(to_label="cello")), b"RIFF", b"RAFF")))
    assert plane.sonify_calls[0] == plane.sonify_calls[1]
    assert plane.held_bytes == 0


# --- limits and errors


@pytest.mark.parametrize(
    ("options", "chunks"),
    [
        (pb.SonifyOptions(), ()),
        (MIX, (b"RIFF",)),
        (pb.SonifyOptions(embedding=[1.0] * 4097), ()),
        (pb.SonifyOptions(embedding=[float("nan")]), ()),
        (pb.SonifyOptions(embedding=[float("inf")]), ()),
        (pb.SonifyOptions(embedding=[1], seed=2**31), ()),
        (pb.SonifyOptions(embedding=[1], path=pb.CounterfactualPath()), ()),
        (pb.SonifyOptions(embedding=[1], path=pb.CounterfactualPath(to_label="a", points=1)), ()),
        (pb.SonifyOptions(embedding=[1], format=9), ()),  # type: ignore[arg-type]
        (pb.SonifyOptions(embedding=[1], timeout_s=0), ()),
        (pb.SonifyOptions(prototypes=[pb.WeightedPrototype(id="a", weight=0)]), ()),
    ],
)
async def test_bad_options_are_refused_as_on_rest(
    stub: SonotypeStub, plane: FakePlane, options: pb.SonifyOptions, chunks: tuple[bytes, ...]
) -> None:
    assert await failed(stub.Sonify(asked(options, *chunks))) == ("INVALID_ARGUMENT", "invalid_request")
    assert plane.sonify_calls == []


async def test_unknown_things(stub: SonotypeStub) -> None:
    unknown = pb.GetPrototypeAudioRequest(id="none")
    assert await failed(stub.GetPrototypeAudio(unknown)) == ("NOT_FOUND", "not_found")
    odd = pb.GetPrototypeAudioRequest(id=PASSED, kind=9)  # type: ignore[arg-type]
    assert await failed(stub.GetPrototypeAudio(odd)) == ("INVALID_ARGUMENT", "invalid_request")
    for call in (
        stub.GetPrototype(pb.GetPrototypeRequest(id="none")),
        stub.ListPrototypes(pb.ListPrototypesRequest(model="none")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_key_is_needed(stub: SonotypeStub, plane: FakePlane) -> None:
    plane.keys = frozenset({"right"})
    expected = ("UNAUTHENTICATED", "unauthenticated")
    assert await failed(stub.Sonify(asked(MIX))) == expected
    assert await failed(stub.GetPrototypeAudio(pb.GetPrototypeAudioRequest(id=PASSED))) == expected
    await received(stub.Sonify(asked(MIX), metadata=[("x-api-key", "right")]))
    assert plane.sonify_calls[0][0].client == "client-right"


@pytest.mark.parametrize("code", list(Code))
async def test_every_code_before_and_under_way(stub: SonotypeStub, plane: FakePlane, code: Code) -> None:
    error = SonotypeError(code, "What went wrong.")
    plane.fail_at, plane.failure = 3, error
    assert await failed(stub.Sonify(asked(MIX))) == (TABLE[code].grpc, code)
    plane.error = error
    assert await failed(stub.Sonify(asked(MIX))) == (TABLE[code].grpc, code)
    assert plane.n_open == 0


async def test_a_client_who_cancels_ends_the_work(stub: SonotypeStub, plane: FakePlane) -> None:
    plane.hold_at = 2
    call = stub.Sonify(asked(MIX))
    assert (await call.read()).WhichOneof("part") == "header"
    call.cancel()
    await asyncio.wait_for(plane.left.wait(), 5)
    assert (plane.n_open, plane.held_bytes) == (0, 0)


async def test_the_deadline_ends_the_work(stub: SonotypeStub, plane: FakePlane) -> None:
    plane.hold_at = 2
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await received(stub.Sonify(asked(MIX), timeout=0.5))
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(plane.left.wait(), 5)
    timeout_s = plane.sonify_calls[0][0].timeout_s
    assert timeout_s is not None
    assert 0 < timeout_s < 0.51, "the clocks of both ends differ by less than a step of the transport"


async def test_a_client_who_does_not_read_is_let_go(stub: SonotypeStub, plane: FakePlane) -> None:
    plane.n_chunks, plane.chunk_bytes = 4000, 256 * 1024
    call = stub.Sonify(asked(MIX))
    await call.read()
    await asyncio.wait_for(plane.left.wait(), 20 * IDLE_S)
    assert plane.n_sent < plane.n_chunks
    call.cancel()


def test_defaults_are_those_of_rest() -> None:
    assert convert.audio_params_of(pb.GetPrototypeAudioRequest()).model_dump() == {
        "format": "wav",
        "kind": None,
        "seed": None,
    }
    assert convert.sonify_body_of(pb.SonifyOptions(embedding=[1])).query().format == "wav"
    assert set(FORMATS) == set(fake.MEDIA_TYPES)
