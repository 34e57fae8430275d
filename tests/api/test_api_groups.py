"""Labels with groups: every face says which group a tag is in, and which there are."""

from __future__ import annotations

import httpx
import pytest
from fakeplane import FakePlane
from test_api_parity import DATA, messages

from sonotype.api.grpc.gen import sonotype_pb2 as pb
from sonotype.api.grpc.gen.sonotype_pb2_grpc import SonotypeStub
from sonotype.api.http.schemas import AnalysisBody, ModelBody
from sonotype.cli.report import Format, write_report
from sonotype.models.card import Card

AUDIO = {"content": DATA, "headers": {"content-type": "audio/wav"}}


@pytest.fixture
def groups(plane: FakePlane) -> dict[str, tuple[str, ...]]:
    """Gives the model `other` groups: its last two labels, and its first; the rest are in none."""
    card = plane.model("other").card
    assert isinstance(card, Card)
    found = {"late": card.labels[-2:], "early": card.labels[:1]}
    plane._cards["other"] = card.model_copy(update={"groups": found})
    return found


async def test_answers_name_the_group(
    client: httpx.AsyncClient, stub: SonotypeStub, groups: dict[str, tuple[str, ...]]
) -> None:
    answer = await client.post("/v1/analyze", params={"model": ["other", "fake"], "top_k": "all"}, **AUDIO)
    AnalysisBody.model_validate(answer.json())
    grouped, plain = answer.json()["results"]
    of = {label: name for name, labels in groups.items() for label in labels}
    assert {tag["label"]: tag["group"] for tag in grouped["tags"]} == {
        tag["label"]: of.get(tag["label"]) for tag in grouped["tags"]
    }
    assert all("group" not in tag for tag in plain["tags"])
    rpc = await stub.Analyze(iter(messages(pb.AnalyzeOptions(models=["other"], all_tags=True))))
    assert {tag.label: tag.group for tag in rpc.results[0].tags if tag.HasField("group")} == of


async def test_models_list_their_groups(
    client: httpx.AsyncClient, stub: SonotypeStub, groups: dict[str, tuple[str, ...]]
) -> None:
    body = (await client.get("/v1/models/other")).json()
    ModelBody.model_validate(body)
    assert {name: tuple(labels) for name, labels in body["groups"].items()} == groups
    assert (await client.get("/v1/models/fake")).json()["groups"] == {}
    assert (await client.get("/v1/models/mood")).json()["groups"] == {}
    rpc = await stub.GetModel(pb.GetModelRequest(name="other"))
    assert {group.name: tuple(group.labels) for group in rpc.groups} == groups


async def test_the_command_line_prints_them_apart(
    client: httpx.AsyncClient,
    groups: dict[str, tuple[str, ...]],
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    answer = await client.post("/v1/analyze", params={"model": "other", "top_k": "all"}, **AUDIO)
    write_report(Format.TABLE, [(tmp_path_factory.mktemp("files") / "song.wav", answer.json())])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    for name, labels in groups.items():
        rows = lines[lines.index(name) + 1 :][: len(labels)]
        assert {row.split("  ")[0] for row in rows} == set(labels)
