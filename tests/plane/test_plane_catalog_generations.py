"""Another model, another generation: both are filled, and the alias moves when the new one is whole and finds well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from catalog_plane_kit import DIM, Kit, deployment_in, heard, refused, upload
from catalog_standin import StandIn, metadata
from prometheus_client import REGISTRY

from sonotype.core.errors import Code
from sonotype.models.card import Card
from sonotype.plane.catalog.generations import AGAIN_S
from sonotype.plane.catalog.service import CatalogService
from sonotype.plane.catalog.space import Space, choose_labellers, choose_space
from sonotype.plane.catalog.values import Seed, SimilarQuery, Submission
from sonotype.plane.catalog.watching import Watch
from sonotype.plane.deployment import Deployment

OLD, NEW = "fake@vector", "fake@small"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("generations")


@pytest.fixture(scope="module")
def deployment(folder: Path) -> Deployment:
    return deployment_in(folder)


def upgraded(deployment: Deployment) -> Deployment:
    """The same deployment after the network got a new version: the old weights are gone."""
    card: Card = deployment.networks["fake"].model_copy(update={"version": "2"})
    return Deployment({"fake": card}, {}, "fake")


async def put(catalog: CatalogService, *numbers: int) -> None:
    for number in numbers:
        await catalog.put_track(Submission(metadata(), id=f"t{number}"), upload(number))


def by(*seeds: Seed) -> SimilarQuery:
    return SimilarQuery(seeds, k=1)


def test_the_name_of_a_generation_says_model_embedding_and_weights(deployment: Deployment) -> None:
    card = deployment.networks["fake"]
    space = choose_space(deployment, NEW)
    assert (space.address, space.dim) == (NEW, 4)
    assert space.generation == f"fake@1.small.{card.weights_sha256[:12]}"
    assert choose_space(upgraded(deployment), OLD).generation != choose_space(deployment, OLD).generation


def test_without_the_wanted_embedding_the_default_model_decides(deployment: Deployment) -> None:
    assert choose_space(deployment, "musicnn-msd@penultimate").address == OLD
    by_head = Deployment(deployment.networks, deployment.heads, "plain")
    assert choose_space(by_head, "nobody@nothing").address == OLD
    with refused(Code.MODEL_NOT_FOUND, "nobody"):
        choose_space(Deployment({}, {}, "fake"), "nobody@nothing")


def test_who_labels_tracks(deployment: Deployment) -> None:
    assert choose_labellers(deployment, ()) == ("fake", "plain", "loud")
    assert choose_labellers(deployment, ("plain@1", "nobody", "plain@1")) == ("plain@1",)


async def test_another_embedding_fills_a_generation_beside_the_old_one(deployment: Deployment) -> None:
    engine = StandIn()
    await put(await Kit(deployment, engine).open(OLD), 0, 1, 2)
    kit = Kit(deployment, engine)
    catalog = await kit.open(NEW)
    old, new = kit.space(OLD).generation, kit.space(NEW).generation
    status = await catalog.status()
    assert (status.tracks, status.stale) == (3, 3)
    assert [(g.name, g.current, g.tracks) for g in status.generations] == [(new, False, 0), (old, True, 3)]
    await put(catalog, 1, 3)
    assert (await catalog.track("t3")).generations == (new, old), "both models are served, so both embed"
    assert (await catalog.track("t1")).generations == (old, new), "the same content keeps its old vector"
    assert (await catalog.status()).stale == 2
    assert (await catalog.similar(by(Seed(track="t0")))).generation == old
    assert (await catalog.similar(by(Seed(upload=True)), upload(9))).generation == old


async def test_an_upgrade_in_place_is_searched_by_what_can_embed(deployment: Deployment) -> None:
    engine = StandIn()
    await put(await Kit(deployment, engine).open(), 0, 1, 2)
    kit = Kit(upgraded(deployment), engine)
    catalog = await kit.open()
    old, new = kit.generations.current, kit.generations.configured.generation
    assert old != new
    await put(catalog, 2, 3)
    assert (await catalog.track("t3")).generations == (new,), "nobody can embed with the old weights any more"
    assert (await catalog.similar(by(Seed(track="t0")))).generation == old
    found = await catalog.similar(by(Seed(upload=True)), upload(3))
    assert (found.generation, found.matches[0].track.id) == (new, "t3")
    fresh = await catalog.similar(by(Seed(track="t3")))
    assert (fresh.generation, fresh.matches[0].track.id) == (new, "t2"), "a new track is found among the new"
    with refused(Code.CONFLICT, "re-embed"):
        await catalog.similar(by(Seed(track="t0"), Seed(track="t3")))
    with refused(Code.CONFLICT, "generation"):
        await catalog.similar(SimilarQuery((Seed(upload=True), Seed(tag="x"))), upload(1))
    assert (await catalog.why("t0", "t3")).similarity is None
    assert (await catalog.why("t0", "t1")).similarity is not None


async def test_embeddings_go_where_they_say_they_belong(deployment: Deployment) -> None:
    engine = StandIn()
    await put(await Kit(deployment, engine).open(OLD), 0)
    kit = Kit(deployment, engine)
    catalog = await kit.open(NEW)
    old, new = kit.space(OLD).generation, kit.space(NEW).generation
    small, large = heard(b"x", 4), heard(b"x", DIM)
    for id_, vector, of, where in (("a", large, OLD, old), ("b", small, NEW, new), ("c", small, None, new)):
        await catalog.put_track(Submission(metadata(), id=id_, embedding=vector, embedding_of=of))
        assert (await catalog.track(id_)).generations == (where,)
    assert (await catalog.similar(by(Seed(embedding=large)))).generation == old
    assert (await catalog.similar(by(Seed(embedding=small)))).generation == new


async def refill(catalog: CatalogService, *numbers: int) -> None:
    for number in numbers:
        assert await catalog.embed_again(f"t{number}", None, upload(number))


async def test_the_alias_moves_once_nothing_is_stale(deployment: Deployment) -> None:
    engine = StandIn()
    await put(await Kit(deployment, engine).open(), 0, 1, 2)
    kit = Kit(upgraded(deployment), engine)
    catalog = await kit.open()
    watch = Watch(engine, kit.generations)
    old, new = kit.generations.current, kit.generations.configured.generation
    assert [track.id async for track in catalog.stale(None)] == ["t0", "t1", "t2"]
    await refill(catalog, 0, 1)
    await watch.look()
    assert kit.generations.current == old
    assert not await catalog.embed_again("t2", None, upload(5)), "another content than was stored"
    assert not await catalog.embed_again("never", None, upload(5))
    await refill(catalog, 2)
    engine.recalls = 0.94
    await watch.look()
    assert kit.generations.current == old, "its index does not find enough"
    engine.recalls = 0.95
    kit.now += AGAIN_S
    await watch.look()
    assert kit.generations.current == new
    assert (await catalog.similar(by(Seed(track="t0")))).generation == new
    assert (await catalog.status()).stale == 0


async def test_a_refused_promotion_is_not_checked_at_every_look(deployment: Deployment) -> None:
    engine = StandIn()
    await put(await Kit(deployment, engine).open(), 0, 1)
    kit = Kit(upgraded(deployment), engine)
    catalog = await kit.open()
    watch = Watch(engine, kit.generations)
    await refill(catalog, 0, 1)
    engine.recalls = 0.5
    checks = []
    for seconds in (0, 5, AGAIN_S - 6, 1, AGAIN_S, AGAIN_S, 3 * AGAIN_S, AGAIN_S):
        kit.now += seconds
        await watch.look()
        checks.append(engine.recalls_asked)
    assert checks == [1, 1, 1, 2, 2, 3, 3, 4], "after one, two and four minutes, while nothing changes"
    engine.reason = "the index is being built"
    await watch.look()
    assert engine.recalls_asked == 4, "refused without a check"
    engine.reason = None
    await watch.look()
    assert engine.recalls_asked == 5, "its index has been built: that is news"


async def test_who_goes_back_stays_back(deployment: Deployment) -> None:
    engine = StandIn()
    await put(await Kit(deployment, engine).open(), 0, 1)
    kit = Kit(upgraded(deployment), engine)
    catalog = await kit.open()
    old = kit.generations.current
    watch = Watch(engine, kit.generations)
    await refill(catalog, 0, 1)
    await watch.look()
    assert (await catalog.promote(old)).current
    await watch.look()
    assert kit.generations.current == old
    status = await catalog.status()
    await kit.generations.settle(replace(status, stale=1))  # a track that is just being stored
    await watch.look()
    assert kit.generations.current == old, "also while tracks come"
    again = Kit(upgraded(deployment), engine)
    await again.open()
    await Watch(engine, again.generations).look()
    assert again.generations.current == old, "also after a restart"


async def test_promotion_on_demand(deployment: Deployment) -> None:
    engine = StandIn()
    await put(await Kit(deployment, engine).open(), 0, 1)
    kit = Kit(upgraded(deployment), engine)
    catalog = await kit.open()
    new = kit.generations.configured.generation
    await put(catalog, 0)
    with refused(Code.NOT_FOUND, "never"):
        await catalog.promote("never")
    engine.recalls = 0.5
    with refused(Code.CONFLICT, "50.0%", "95%"):
        await catalog.promote(new)
    engine.recalls, engine.reason = 1.0, "the index is being built"
    with refused(Code.CONFLICT, "the index is being built"):
        await catalog.promote(new)
    engine.reason = None
    assert (await catalog.promote(new)).name == kit.generations.current == new, "although one track is stale"


async def test_an_empty_catalogue_changes_its_model_at_once(deployment: Deployment) -> None:
    engine = StandIn()
    await Kit(deployment, engine).open(OLD)
    kit = Kit(deployment, engine)
    await kit.open(NEW)
    await Watch(engine, kit.generations).look()
    assert kit.generations.current == kit.space(NEW).generation


async def test_a_model_that_is_gone_embeds_no_more(deployment: Deployment) -> None:
    engine = StandIn()
    await put(await Kit(deployment, engine).open(), 0)
    kit = Kit(upgraded(deployment), engine)
    catalog = await kit.open()
    with refused(Code.CONFLICT, "not served"):
        await catalog.embed_again("t0", kit.generations.current, upload(0))


async def test_probes_are_told(deployment: Deployment) -> None:
    def gauge(name: str) -> float | None:
        return REGISTRY.get_sample_value(f"sonotype_catalog_{name}")

    engine = StandIn()
    kit = Kit(deployment, engine)
    await put(await kit.open(), 0, 1)
    watch = Watch(engine, kit.generations, look_s=0.01)
    await watch.start()
    assert (watch.state, watch.problems) == ("ok", ())
    assert (gauge("tracks"), gauge("stale_tracks"), gauge("index_degraded")) == (2, 0, 0)
    engine.reason = "its snapshot was damaged"
    await watch.look()
    assert (watch.state, gauge("index_degraded")) == ("degraded", 1)
    assert "its snapshot was damaged" in watch.problems[0]
    engine.away = True
    await watch.look()
    assert watch.state == "away"
    engine.away, engine.reason = False, None
    await watch.aclose()
    assert watch.state == "ok"


def test_a_space_carries_the_heads_that_read_it(deployment: Deployment) -> None:
    head = deployment.heads["plain"]
    card = deployment.networks["fake"]
    assert Space(card, "vector", DIM).carries(head)
    assert not Space(card, "small", 4).carries(head)
    assert not Space(card.model_copy(update={"version": "2"}), "vector", DIM).carries(head)
