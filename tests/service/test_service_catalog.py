"""The catalogue behind the real command: tracks outlive kills, jobs run, another model fills another generation."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness import MODELS, Served, serve
from prototype_models import LABELS, class_wav, make_model

PROTOTYPES = "fake-prototypes"
GENERATION = "fake@1.vector."


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[tuple[Served, httpx.Client]]:
    """The service on a folder's models, data and music, ready and with its catalogue open."""
    chosen = {"models": f"fake,{PROTOTYPES}", "model_path": folder / "models", "devices": "cpu:1"}
    chosen |= {"ingest_root": folder / "music", "catalog_embedding": "fake@vector", "decode_workers": 1}
    with serve(folder, **{**chosen, **settings}) as service:
        service.wait_until(lambda client: client.get("/readyz").json()["catalog"] == "ok")
        service.wait_ready()
        with httpx.Client(base_url=service.url, timeout=30) as client:
            yield service, client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(MODELS, tmp_path / "models")
    make_model(tmp_path / "models", name=PROTOTYPES, decoder=False)
    (tmp_path / "music").mkdir()
    return tmp_path


def put(client: httpx.Client, track_id: str, index: int, **fields: Any) -> dict[str, Any]:
    sent = {
        "params": fields,
        "content": class_wav(index, 2.0, seed=len(track_id)),
        "headers": {"content-type": "audio/wav"},
    }
    answer = client.put(f"/v1/tracks/{track_id}", **sent)
    assert answer.status_code in {200, 201}, answer.text
    body: dict[str, Any] = answer.json()
    return body


def similar(client: httpx.Client, track_id: str, **params: Any) -> list[str]:
    answer = client.get(f"/v1/tracks/{track_id}/similar", params=params)
    assert answer.status_code == 200, answer.text
    return [match["track"]["id"] for match in answer.json()["matches"]]


def status(client: httpx.Client) -> dict[str, Any]:
    body: dict[str, Any] = client.get("/v1/catalog").json()
    return body


def finished(service: Served, job: str) -> dict[str, Any]:
    service.wait_until(lambda client: client.get(f"/v1/jobs/{job}").json()["final"], 30)
    body: dict[str, Any] = httpx.get(f"{service.url}/v1/jobs/{job}").json()
    return body


def test_tracks_outlive_a_kill(folder: Path) -> None:
    with running(folder) as (service, client):
        for index, name in enumerate(("a", "bb", "ccc", "dddd")):
            body = put(client, name, index % 2, title=f"Song {name}", artist="Ann", tag=["live"])
            assert body["generations"][0].startswith(GENERATION)
        assert body["evidence"]
        assert {label["model"] for label in body["labels"]} == {"fake@1", f"{PROTOTYPES}@1"}
        assert set(similar(client, "a")) == {"bb", "ccc", "dddd"}
        assert client.delete("/v1/tracks/bb").status_code == 204
        key = {"headers": {"idempotency-key": "once"}}
        sent = {"json": {"metadata": {"title": "Bare"}, "embedding": [0.1] * 16}, **key}
        made = client.post("/v1/tracks", **sent)
        assert made.status_code == 201, made.text
        before = client.get("/v1/tracks/a").json()
        why = client.get("/v1/tracks/a/similar/ccc/why").json()
        service.process.send_signal(signal.SIGKILL)
        service.process.wait(10)
    with running(folder) as (service, client):
        assert status(client)["tracks"] == 4
        assert client.get("/v1/tracks/a").json() == before
        assert client.get("/v1/tracks/a/similar/ccc/why").json() == why
        assert client.get("/v1/tracks/bb").status_code == 404
        for exact in ("false", "true"):
            assert set(similar(client, "a", exact=exact)) == {"ccc", "dddd", made.json()["id"]}
        again = client.post("/v1/tracks", **sent)
        assert (again.json()["id"], again.headers["idempotency-replayed"]) == (made.json()["id"], "true")
        assert service.metric("sonotype_catalog_tracks") == 4
        assert service.metric('sonotype_catalog_index_positions{state="live"}') == 4
        assert service.stop() == 0


def test_similarity_by_upload_and_its_reasons(folder: Path) -> None:
    with running(folder) as (_, client):
        for index, label in enumerate(LABELS):
            put(client, f"t{index}", index, title=label)
        for index in range(len(LABELS)):
            sent = {"content": class_wav(index, 2.0, seed=2), "headers": {"content-type": "audio/wav"}}
            answer = client.post("/v1/similar", params={"k": 1}, **sent).json()
            (match,) = answer["matches"]
            assert (match["track"]["id"], match["similarity"]) == (f"t{index}", pytest.approx(1, abs=1e-6))
        put(client, "x0", 0)
        matches = client.get("/v1/tracks/t0/similar", params={"why": "true"}).json()["matches"]
        (twin,) = [match for match in matches if match["track"]["id"] == "x0"]
        assert {shared["label"] for shared in twin["why"]["prototypes"]} == {LABELS[0]}
        seed = {"prototype": f"{PROTOTYPES}.piano.0"}
        by_prototype = client.post("/v1/similar", json={"seeds": [seed], "k": 4}).json()
        assert {match["track"]["id"] for match in by_prototype["matches"]} == {"t0", "t1", "t2", "x0"}


def test_a_job_ingests_below_the_root(folder: Path) -> None:
    for index in range(5):
        (folder / "music" / f"{index}.wav").write_bytes(class_wav(index % 3, 1.0, seed=index))
    (folder / "music" / "broken.wav").write_bytes(b"RIFF")
    with running(folder) as (service, client):
        asked = client.post("/v1/jobs", json={"kind": "ingest", "path": "."})
        assert asked.status_code == 202, asked.text
        job = finished(service, asked.json()["id"])
        assert (job["state"], job["counts"]["stored"]) == ("completed_with_errors", 5), job
        assert status(client)["tracks"] == 5
        assert service.metric('sonotype_catalog_job_files_total{state="stored"}') == 5
        page = client.get("/v1/tracks").json()["tracks"]
        assert {track["source"] for track in page} == {f"{index}.wav" for index in range(5)}


def restarted_as(folder: Path, version: str) -> None:
    """Another version of the network: other weights, and the prototypes that stood on it do not fit any more."""
    card = folder / "models" / "fake" / "card.toml"
    text = card.read_text()
    text = text.replace('version = "1"', f'version = "{version}"').replace(
        "triggers = false", "triggers = false\nseed = 1"
    )
    card.write_text(text)


def test_another_model_makes_tracks_stale_until_they_are_embedded_again(folder: Path) -> None:
    for index in range(4):
        (folder / "music" / f"{index}.wav").write_bytes(class_wav(index % 3, 1.0, seed=index))
    with running(folder) as (service, client):
        finished(service, client.post("/v1/jobs", json={"kind": "ingest", "path": "."}).json()["id"])
        old = status(client)["generations"][0]["name"]
        first = client.get("/v1/tracks").json()["tracks"][0]["id"]
        neighbours = similar(client, first)
    restarted_as(folder, "2")
    with running(folder, models="fake", default_model="fake") as (service, client):
        body = status(client)
        assert (body["tracks"], body["stale"]) == (4, 4)
        assert [(g["tracks"], g["current"]) for g in body["generations"]] == [(0, False), (4, True)]
        assert service.metric("sonotype_catalog_stale_tracks") == 4
        assert similar(client, first) == neighbours, "the old generation still answers"
        job = finished(service, client.post("/v1/jobs", json={"kind": "reembed"}).json()["id"])
        assert (job["state"], job["counts"]["stored"]) == ("completed", 4), job
        service.wait_until(lambda probe: status(probe)["generations"][0]["current"], 20)
        assert status(client)["stale"] == 0
        found = client.get(f"/v1/tracks/{first}/similar").json()
        assert found["generation"].startswith("fake@2.vector.")
        back = client.post(f"/v1/catalog/generations/{old}/promote")
        assert back.status_code == 200, back.text
        assert client.get(f"/v1/tracks/{first}/similar").json()["generation"] == old
        assert client.post("/v1/catalog/generations/never/promote").status_code == 404


def test_two_services_on_one_folder(folder: Path) -> None:
    with running(folder) as (first, client):
        put(client, "a", 0)
        other = folder / "other"
        other.mkdir()
        with serve(other, models="fake", data_dir=folder / "data", model_path=folder / "models") as second:
            second.wait_ready()
            second.wait_until(lambda probe: probe.get("/readyz").json()["catalog"] == "away")
            with httpx.Client(base_url=second.url, timeout=30) as late:
                refused = late.get("/v1/tracks/a")
                assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
                assert int(refused.headers["retry-after"]) >= 1
                sent = {"content": class_wav(0, 1.0), "headers": {"content-type": "audio/wav"}}
                assert late.post("/v1/analyze", **sent).status_code == 200, "it analyses without its catalogue"
                os.kill(first.process.pid, signal.SIGTERM)
                first.process.wait(30)
                second.wait_until(lambda probe: probe.get("/readyz").json()["catalog"] == "ok", 20)
                assert late.get("/v1/tracks/a").status_code == 200


def test_a_damaged_catalogue_stops_nothing_else(folder: Path) -> None:
    database = folder / "data" / "catalog" / "catalog.sqlite"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"no database" * 1000)
    with serve(folder, models="fake", model_path=folder / "models", devices="cpu:1", decode_workers=1) as service:
        service.wait_ready()
        service.wait_until(lambda probe: probe.get("/readyz").json()["catalog"] == "away")
        with httpx.Client(base_url=service.url, timeout=30) as client:
            assert client.get("/livez").status_code == 200
            assert any("catalogue" in problem for problem in client.get("/readyz").json()["problems"])
            refused = client.post("/v1/similar", json={"seeds": [{"track": "a"}]})
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            sent = {"content": class_wav(0, 1.0), "headers": {"content-type": "audio/wav"}}
            assert client.post("/v1/analyze", **sent).status_code == 200
    assert database.read_bytes() == b"no database" * 1000, "nothing of it is lost"
