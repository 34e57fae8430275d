"""The reasons of an answer: what is shown, that it adds up, and that every face says the same."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import fakeprototypes as fake
import httpx
import numpy as np
import pytest
from fakeplane import FakePlane
from hypothesis import given
from hypothesis import strategies as st

from sonotype.api.grpc.enums import KINDS
from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub
from sonotype.api.http import schemas
from sonotype.api.http.render_reasons import reasons_body
from sonotype.api.reasons import ReasonsView, view_reasons
from sonotype.core.types import ModelResult, Reasons, Upload
from sonotype.plane.query import AnalyzeQuery

WAV = {"content-type": "audio/wav"}
DATA = b"RIFF of sorts" * 100


async def reasons_of(client: httpx.AsyncClient, **params: Any) -> dict[str, Any] | None:
    answer = await client.post("/v1/analyze", content=DATA, headers=WAV, params={"model": "pecmae"} | params)
    schemas.AnalysisBody.model_validate(answer.json())
    found: dict[str, Any] | None = answer.json()["results"][0].get("reasons")
    return found


def total(label: dict[str, Any]) -> float:
    shares = sum(share["evidence"] for share in [*label["for"], *label["against"]])
    return float(label["baseline"] + shares + label["rest"])


@pytest.mark.parametrize("top_k", [1, 2, 5, "all"])
async def test_the_numbers_add_up(client: httpx.AsyncClient, top_k: int | str) -> None:
    reasons = await reasons_of(client, reasons_top_k=top_k)
    assert reasons is not None
    for label in reasons["labels"]:
        assert total(label) == pytest.approx(label["logit"], abs=1e-5)
        limit = fake.N_PROTOTYPES if top_k == "all" else int(top_k)
        assert len(label["for"]) <= limit
        assert len(label["against"]) <= limit
        for side, sign in (("for", -1), ("against", 1)):
            values = [sign * share["evidence"] for share in label[side]]
            assert values == sorted(values)
            assert all(value < 0 for value in values)
        if top_k == "all":
            assert len(label["for"]) + len(label["against"]) == fake.N_PROTOTYPES
            assert label["rest"] == 0


async def test_labels_are_those_of_the_tags(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/analyze", content=DATA, headers=WAV, params={"model": "pecmae", "top_k": 2})
    [result] = answer.json()["results"]
    assert [label["label"] for label in result["reasons"]["labels"]] == [tag["label"] for tag in result["tags"]]
    assert len(result["tags"]) == 2


async def test_reasons_are_left_out_where_they_are_not_wanted_or_not_there(client: httpx.AsyncClient) -> None:
    assert await reasons_of(client, reasons_top_k=0) is None
    assert await reasons_of(client, model="fake") is None
    for path in ("/v1/tags", "/v1/embeddings"):
        answer = await client.post(path, content=DATA, headers=WAV, params={"model": "pecmae"})
        assert "reasons" not in answer.json()["results"][0]
        refused = await client.post(path, content=DATA, headers=WAV, params={"reasons_top_k": 1})
        assert refused.status_code == 400


async def test_without_tags_the_nearest_are_still_shown(client: httpx.AsyncClient) -> None:
    reasons = await reasons_of(client, top_k=0, reasons_top_k=3)
    assert reasons is not None
    assert reasons["labels"] == []
    similarities = [near["similarity"] for near in reasons["nearest"]]
    assert similarities == sorted(similarities, reverse=True)


async def test_what_the_verdict_compares_is_shown(client: httpx.AsyncClient) -> None:
    reasons = await reasons_of(client, reasons_top_k="all", timeline="true")
    assert reasons is not None
    typical = np.median(np.max(reasons["heat"]["similarity"], axis=1))
    assert reasons["similarity_max"] == pytest.approx(typical, abs=1e-6)
    assert reasons["out_of_distribution"] == (reasons["similarity_max"] < reasons["ood_threshold"])
    assert reasons["nearest"][0]["similarity"] < reasons["similarity_max"], "a mean over patches is another number"


async def test_heat_comes_with_the_timeline_and_covers_what_is_listed(client: httpx.AsyncClient) -> None:
    assert "heat" not in (await reasons_of(client) or {})
    reasons = await reasons_of(client, timeline="true", reasons_top_k=2)
    assert reasons is not None
    heat, winner = reasons["heat"], reasons["labels"][0]
    assert heat["label"] == winner["label"]
    listed = [share["id"] for share in [*winner["for"], *winner["against"], *reasons["nearest"]]]
    assert heat["prototypes"] == list(dict.fromkeys(listed))
    assert np.shape(heat["similarity"]) == np.shape(heat["evidence"]) == (3, len(heat["prototypes"]))
    mean = dict(zip(heat["prototypes"], np.mean(heat["evidence"], axis=0), strict=True))
    for share in [*winner["for"], *winner["against"]]:
        assert mean[share["id"]] == pytest.approx(share["evidence"], abs=1e-5)


async def test_every_url_of_an_answer_leads_to_sound(client: httpx.AsyncClient) -> None:
    reasons = await reasons_of(client, reasons_top_k="all")
    assert reasons is not None
    silent = 0
    for near in reasons["nearest"]:
        if near["audio_url"] is None:
            silent += 1
            continue
        answer = await client.get(near["audio_url"])
        assert answer.status_code == 200
        assert answer.headers["sonotype-rendering"].startswith(near["rendering"])
    assert silent == 1


async def test_embeddings_of_a_prototype_model_are_its_backbones(client: httpx.AsyncClient, plane: FakePlane) -> None:
    params = {"model": "pecmae", "embeddings": "default"}
    answer = await client.post("/v1/embeddings", content=DATA, headers=WAV, params=params)
    [embedding] = answer.json()["results"][0]["embeddings"]
    assert embedding["name"] == plane._cards["pecmae"].backbone.embedding  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("params", "options"),
    [
        ({}, {}),
        ({"reasons_top_k": 2, "timeline": "true"}, {"reasons_top_k": 2, "timeline": True}),
        ({"reasons_top_k": "all"}, {"all_reasons": True}),
        ({"reasons_top_k": 0}, {"reasons_top_k": 0}),
    ],
)
async def test_grpc_says_the_same(
    client: httpx.AsyncClient, stub: SonotypeStub, plane: FakePlane, params: dict[str, Any], options: dict[str, Any]
) -> None:
    rest = await reasons_of(client, **params)
    asked = pb.AnalyzeRequest(options=pb.AnalyzeOptions(models=["pecmae"], **options))
    [result] = (await stub.Analyze(iter([asked, pb.AnalyzeRequest(chunk=DATA)]))).results
    assert plane.calls[0] == plane.calls[1]
    assert result.HasField("reasons") == (rest is not None)
    if rest is not None:
        compare(rest, result.reasons)


@pytest.mark.parametrize("timeline", [False, True])
async def test_what_may_be_long_is_rendered_beside_the_event_loop(
    client: httpx.AsyncClient, stub: SonotypeStub, monkeypatch: pytest.MonkeyPatch, timeline: bool
) -> None:
    threads: list[int] = []

    def recorded(*arguments: Any) -> ReasonsView | None:
        threads.append(threading.get_ident())
        return view_reasons(*arguments)

    monkeypatch.setattr("sonotype.api.view.view_reasons", recorded)
    await reasons_of(client, timeline=str(timeline).lower())
    asked = pb.AnalyzeRequest(options=pb.AnalyzeOptions(models=["pecmae"], timeline=timeline))
    await stub.Analyze(iter([asked, pb.AnalyzeRequest(chunk=DATA)]))
    assert [thread != threading.get_ident() for thread in threads] == [timeline, timeline]


def compare(rest: dict[str, Any], rpc: pb.Reasons) -> None:
    assert rest["out_of_distribution"] == rpc.out_of_distribution
    assert rest["similarity_max"] == pytest.approx(rpc.similarity_max, abs=1e-6)
    for theirs, ours in zip(rest["labels"], rpc.labels, strict=True):
        for name in ("logit", "baseline", "rest"):
            assert theirs[name] == pytest.approx(getattr(ours, name), abs=1e-6)
        shares(theirs["for"], ours.pro)
        shares(theirs["against"], ours.against)
    shares(rest["nearest"], rpc.nearest)
    assert ("heat" in rest) == rpc.HasField("heat")
    if "heat" in rest:
        assert rest["heat"]["prototypes"] == list(rpc.heat.prototypes)
        np.testing.assert_allclose(rest["heat"]["evidence"], [row.evidence for row in rpc.heat.rows], atol=1e-6)
        np.testing.assert_allclose(rest["heat"]["similarity"], [row.similarity for row in rpc.heat.rows], atol=1e-6)


def shares(rest: list[dict[str, Any]], rpc: Any) -> None:
    for theirs, ours in zip(rest, rpc, strict=True):
        assert (theirs["id"], theirs["label"]) == (ours.id, ours.label)
        assert theirs["similarity"] == pytest.approx(ours.similarity, abs=1e-6)
        assert KINDS.get(theirs["rendering"], 0) == ours.rendering
        assert ("evidence" in theirs) == ours.HasField("evidence")
        if "evidence" in theirs:
            assert theirs["evidence"] == pytest.approx(ours.evidence, abs=1e-6)
        elif theirs["badge"] is not None:
            assert (theirs["badge"]["passed"], theirs["badge"]["failed"]) == (
                ours.badge.passed,
                list(ours.badge.failed),
            )


# --- the view alone


@pytest.fixture
async def answer(plane: FakePlane) -> ModelResult:
    return (await plane.analyze(Upload.of(DATA), AnalyzeQuery(models=("pecmae",)))).results[0]


async def test_far_from_everything_the_nearest_are_still_named(plane: FakePlane, answer: ModelResult) -> None:
    reasons = replace(known(answer), similarity=np.zeros(fake.N_PROTOTYPES, np.float32), out_of_distribution=True)
    shown = seen(view_reasons(plane, replace(answer, reasons=reasons), answer.labels, 2, False))
    assert shown.out_of_distribution
    assert [info.id for info, _ in shown.nearest] == list(reasons.prototypes[:2])


async def test_a_prototype_that_the_plane_does_not_list_is_shown_without_sound(
    plane: FakePlane, answer: ModelResult
) -> None:
    plane._prototypes = {}
    body = reasons_body(seen(view_reasons(plane, answer, answer.labels, None, False)))
    assert {near["audio_url"] for near in body["nearest"]} == {None}
    assert {near["label"] for near in body["nearest"]} == set(fake.LABELS)


@given(seed=st.integers(0, 2**32 - 1), n_patches=st.integers(1, 5), top_k=st.one_of(st.none(), st.integers(1, 7)))
def test_shares_baseline_and_rest_are_the_logit(seed: int, n_patches: int, top_k: int | None) -> None:
    plane = _PLANE
    reasons = fake.reasons(np.random.default_rng(seed), n_patches)
    shown = seen(view_reasons(plane, _result(reasons, n_patches), fake.LABELS, top_k, True))
    for label, body in zip(shown.labels, reasons_body(shown)["labels"], strict=True):
        shares = [share.evidence for share in (*label.pro, *label.con)]
        assert label.baseline + sum(shares) + label.rest == pytest.approx(label.logit, abs=1e-5)
        assert total(body) == pytest.approx(body["logit"], abs=1e-5)


def _result(reasons: Reasons, n_patches: int) -> ModelResult:
    tags = fake.probabilities(reasons.logits)
    starts = np.arange(n_patches, dtype=np.float32)
    taggram = fake.probabilities(reasons.patch_logits)
    report: Any = None
    return ModelResult(
        "pecmae@1", "b" * 64, "plain", "fp32", fake.LABELS, tags, taggram, starts, {}, {}, report, reasons=reasons
    )


class _Listing:
    """As much of a plane as the view needs; one that lives in no event loop."""

    def prototypes(self, model: str | None = None, label: str | None = None) -> list[Any]:
        return list(fake.prototypes().values())


_PLANE: Any = _Listing()


def known(answer: ModelResult) -> Reasons:
    assert answer.reasons is not None
    return answer.reasons


def seen(shown: ReasonsView | None) -> ReasonsView:
    assert shown is not None
    return shown
