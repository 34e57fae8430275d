from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from data_kit import tone

from sonotype.core.errors import SonotypeError
from sonotype.training.data import phrases
from sonotype.training.data.checks import RATE_HZ, refusal
from sonotype.training.data.instruments import INSTRUMENTS
from sonotype.training.data.packages import ARCHIVES
from sonotype.training.data.parts import PARTS
from sonotype.training.data.phrases import LENGTH_S, Phrase, make_phrase, plan
from sonotype.training.data.players import Player, Score
from sonotype.training.data.room import Random, Samples
from sonotype.training.data.score import write_phrase
from sonotype.training.data.sources import BY_NAME, SOURCES

PLAN = plan(PARTS, 480)
SOUND = np.resize(tone(60), round(LENGTH_S * RATE_HZ)).astype(np.float32)


def test_every_class_gets_its_share_of_every_split() -> None:
    counts = Counter((phrase.part.label, phrase.split) for phrase in PLAN)
    assert len(PLAN) == 480 * 12
    for instrument in INSTRUMENTS:
        found = {split: counts[instrument.label, split] for split in ("train", "validation", "test")}
        assert found == {"train": 300, "validation": 60, "test": 120}


def test_every_class_is_trained_and_tested_on_two_sources_that_differ() -> None:
    heard: dict[tuple[str, str], set[str]] = defaultdict(set)
    for phrase in PLAN:
        heard[phrase.part.label, phrase.split].add(phrase.part.source)
    for label in {phrase.part.label for phrase in PLAN}:
        assert len(heard[label, "train"]) >= 2
        assert len(heard[label, "test"]) >= 2
        assert heard[label, "validation"] == heard[label, "train"]
        assert not heard[label, "test"] & heard[label, "train"]
    assert all((BY_NAME[p.part.source].role == "test") == (p.split == "test") for p in PLAN)


def test_no_group_lies_in_two_splits_and_no_file_is_made_twice(tmp_path_factory: pytest.TempPathFactory) -> None:
    splits: dict[str, set[str]] = defaultdict(set)
    for phrase in PLAN:
        splits[phrase.group].add(phrase.split)
    assert all(len(found) == 1 for found in splits.values())
    paths = [phrase.path(tmp_path_factory.getbasetemp()) for phrase in PLAN]
    assert len(set(paths)) == len(paths)


def test_more_phrases_keep_those_that_fewer_had() -> None:
    few = {(p.part.label, p.part.source, p.index) for p in plan(PARTS, 48)}
    assert few < {(p.part.label, p.part.source, p.index) for p in PLAN}


def test_the_tables_fit_together() -> None:
    assert {part.source for part in PARTS} == set(BY_NAME)
    assert {name for part in PARTS for name in part.archives} | {"openmsx"} == set(ARCHIVES)
    assert all(source.licence and source.attribution and source.home.startswith("https://") for source in SOURCES)
    assert all(len(archive.sha256) == 64 and archive.keep for archive in ARCHIVES.values())


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (SOUND, ""),
        (np.zeros_like(SOUND), "silent"),
        (np.where(np.arange(len(SOUND)) < 2 * RATE_HZ, SOUND, 0), "silent"),
        (np.where(np.abs(np.arange(len(SOUND)) - 4 * RATE_HZ) > 0.8 * RATE_HZ, SOUND, 0), "silent"),
        (np.where(np.abs(np.arange(len(SOUND)) - 4 * RATE_HZ) > 0.5 * RATE_HZ, SOUND, 0), ""),
        (SOUND * 10, "clipped"),
        (np.where(np.arange(len(SOUND)) == 9, np.nan, SOUND), "not finite"),
    ],
)
def test_what_is_refused(samples: Samples, reason: str) -> None:
    assert refusal(samples.astype(np.float32), peak_matters=True) == reason


class Moody(Player):
    """Plays silence a number of times, then a sound with a little chance in it."""

    def __init__(self, silent: int) -> None:
        self.left = silent

    def play(self, random: Random, index: int, length_s: float, score: Score = write_phrase) -> Samples:
        self.left -= 1
        if self.left >= 0:
            return np.zeros_like(SOUND)
        return (SOUND * random.uniform(0.1, 0.5)).astype(np.float32)


def test_a_silent_render_is_drawn_again_and_the_draw_is_repeatable() -> None:
    phrase = Phrase(PARTS[0], 3)
    first, again, undisturbed = (make_phrase(phrase, Moody(silent), 0) for silent in (2, 2, 0))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - undisturbed).max() > 1e-3
    assert np.abs(first - make_phrase(phrase, Moody(2), 1)).max() > 1e-3


def test_a_source_that_stays_silent_is_named() -> None:
    with pytest.raises(SonotypeError, match=r"clarinet from fluidr3 in 40 draws: the last one is silent"):
        make_phrase(Phrase(PARTS[0], 0), Moody(1000), 0)


def test_seeds_tell_class_source_and_index_apart() -> None:
    wanted = [Phrase(part, index) for part in PARTS for index in range(3)]
    states = {tuple(phrases._entropy(p, seed, 0).generate_state(4)) for p in wanted for seed in (0, 1)}
    assert len(states) == 2 * len(wanted)
