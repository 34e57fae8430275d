"""The catalogue of the zoo, its label lists, and the card and size of a MAEST."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import torch
from maest_zoo_kit import LABELS, SMALL

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card
from sonotype.models.nets.maest import MAEST
from sonotype.models.zoo.catalogue import read_zoo
from sonotype.models.zoo.converting import geometry
from sonotype.models.zoo.installed import card_text
from sonotype.models.zoo.labels import LABEL_SETS, by_genre, label_set, label_set_of, read_labels
from sonotype.models.zoo.maest_card import maest_card, patch_of
from sonotype.models.zoo.maest_state import Geometry, count, shapes
from sonotype.models.zoo.resizing import columns_of

COUNTS = {  # Discogs' genres in the 519 and the 400 list
    "Blues": (15, 12),
    "Brass & Military": (4, 3),
    "Children's": (3, 3),
    "Classical": (17, 13),
    "Electronic": (119, 106),
    "Folk, World, & Country": (65, 27),
    "Funk / Soul": (18, 15),
    "Hip Hop": (32, 26),
    "Jazz": (26, 25),
    "Latin": (54, 35),
    "Non-Music": (24, 13),
    "Pop": (22, 16),
    "Reggae": (15, 11),
    "Rock": (101, 91),
    "Stage & Screen": (4, 4),
}


def test_the_label_lists_are_complete() -> None:
    for name, length in LABEL_SETS.items():
        assert len(label_set(name)) == len(set(label_set(name))) == length
    small, large = by_genre(label_set("discogs-400")), by_genre(label_set("discogs-519"))
    assert {genre: (len(large[genre]), len(small[genre])) for genre in large} == COUNTS
    assert set(label_set("discogs-400")) < set(label_set("discogs-519"))
    assert label_set("discogs-400")[:2] == ("Blues---Boogie Woogie", "Blues---Chicago Blues")
    assert label_set("discogs-400")[163] == "Folk, World, & Country---Éntekhno"
    assert label_set("discogs-519")[-1] == "Stage & Screen---Theme"
    assert label_set_of(519) == label_set("discogs-519")
    assert label_set_of(50) is None


def test_label_files(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("b\na\n\n")
    assert read_labels(tmp_path / "labels.txt") == ("b", "a")
    (tmp_path / "twice.txt").write_text("a\na\n")
    for name, code in (("twice.txt", Code.INVALID_REQUEST), ("none.txt", Code.NOT_FOUND)):
        with pytest.raises(SonotypeError) as caught:
            read_labels(tmp_path / name)
        assert caught.value.code is code
    with pytest.raises(SonotypeError, match="no label list"):
        label_set("discogs-1")


def test_every_published_checkpoint_is_there() -> None:
    zoo = read_zoo()
    names = {"5s-pw-129e", "10s-fs-129e", "10s-pw-129e", "10s-dw-75e", "20s-pw-129e", "30s-pw-129e", "30s-pw-73e-ts"}
    assert {f"discogs-maest-{name}" for name in {*names, "30s-pw-129e-519l"}} <= set(zoo)
    for name, offer in zoo.items():
        if offer.model.family != "maest":
            continue
        checkpoint = offer.model.source("checkpoint")
        assert checkpoint == offer.model.source(None), name
        assert checkpoint.sha256 is not None
        # a file of torch.save is its numbers and less than 200 kB around them
        assert 0 < (checkpoint.n_bytes or 0) - 4 * count(geometry(offer.model)) < 200_000, name
        assert offer.licence.spdx == "CC-BY-NC-SA-4.0"
        assert not offer.licence.commercial
        assert all(source.urls[0].startswith("https://") for source in offer.model.sources)
        # nobody has told us these hashes: they must not be made up
        assert {source.sha256 for source in offer.model.sources[1:]} == {None}
    with pytest.raises(SonotypeError, match="checkpoint, safetensors, onnx, not 'pb'"):
        zoo["discogs-maest-5s-pw-129e"].model.source("pb")


def test_a_repository_may_name_its_own_sources(tmp_path: Path) -> None:
    name = "discogs-maest-5s-pw-129e"
    model = f"""[[model]]
name = "{name}"
family = "maest"
title = "ours"
labels = "discogs-400"
licence = "bought"
options = {{ columns = 31 }}
sources = [{{ format = "checkpoint", urls = ["https://mirror.example.org/x.ckpt"] }}]
"""
    licences = '[licences.bought]\nspdx = "LicenseRef-bought"\ncommercial = true\nholder = "MTG"\n'
    (tmp_path / "zoo.toml").write_text("zoo_schema = 1\n" + licences + model)
    offers = read_zoo([tmp_path, tmp_path / "nowhere"])
    assert offers[name].model.title == "ours"
    assert offers[name].licence.commercial
    assert "discogs-maest-30s-pw-129e" in offers
    for text, says in (
        ("zoo_schema = 1\n" + licences + model + model, "same name"),
        ("zoo_schema = 1\n[licences]\n" + model, "no such licence"),
        ("zoo_schema = 2\n" + licences, "zoo_schema"),
        ("zoo_schema = ", "cannot be read"),
    ):
        (tmp_path / "zoo.toml").write_text(text)
        with pytest.raises(SonotypeError, match=says) as caught:
            read_zoo([tmp_path])
        assert caught.value.code is Code.INVALID_REQUEST


@pytest.mark.parametrize(
    ("labels", "columns", "parameters"), [(400, 187, 86_023_712), (519, 187, 86_206_734), (400, 31, None)]
)
def test_names_and_shapes_are_those_of_our_network(labels: int, columns: int, parameters: int | None) -> None:
    size = Geometry(n_labels=labels, columns=columns)
    with torch.device("meta"):
        net = MAEST(labels, **size.options())
    assert {name: tuple(value.shape) for name, value in net.state_dict().items()} == shapes(size)
    assert parameters in {None, count(size)}
    assert count(size) == sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("seconds", "columns", "frames", "hop"),
    [(5, 31, 316, 313), (10, 62, 626, 625), (20, 125, 1256, 1250), (30, 187, 1876, 1875), (60, 375, 3756, 3750)],
)
def test_geometry_of_the_published_lengths(seconds: float, columns: int, frames: int, hop: int) -> None:
    assert columns_of(seconds) == columns
    patch = patch_of(columns)
    assert (patch.frames, patch.hop_frames, patch.tail, patch.short) == (frames, hop, "align", "native")


@pytest.mark.parametrize("seconds", [0, 0.1, -1, 601, float("nan")])
def test_lengths_that_no_model_has(seconds: float) -> None:
    with pytest.raises(SonotypeError) as caught:
        columns_of(seconds)
    assert caught.value.code is Code.INVALID_REQUEST


def test_the_card_says_everything() -> None:
    card = maest_card("maest-30s")
    assert len(card.labels) == 400
    assert [spec.name for spec in card.embeddings] == ["block7", "block7-cls", "block7-dist", "block7-mean", "last"]
    assert [spec.dim for spec in card.embeddings] == [2304, 768, 768, 768, 768]
    assert card.default_frontend == "essentia"
    windows = {name: (it.window, it.padding, it.frames) for name, it in card.mel_frontends.items()}
    assert windows == {"essentia": ("symmetric", "zero", "ceil"), "torch": ("periodic", "reflect", "floor")}
    assert {name: it.time_every for name, it in card.patchout.items()} == {"full": 1, "balanced": 2, "fast": 4}
    assert not card.licence.commercial
    assert len(card.groups) == 15
    small = maest_card("small", SMALL, labels=LABELS)
    assert small.network.options["blocks"] == [2]
    assert small.groups == {"Genre": LABELS}
    for it in (card, small):
        assert Card.model_validate(tomllib.loads(card_text(it))) == it
    for labels in (None, LABELS[:4]):
        with pytest.raises(SonotypeError, match="5 outputs"):
            maest_card("small", SMALL, labels=labels)
