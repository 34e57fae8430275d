"""The plan of a data set (which phrases there are) and the making of one phrase of it."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.data.checks import RATE_HZ, refusal
from sonotype.training.data.dataset import Example, Split
from sonotype.training.data.instruments import BY_LABEL
from sonotype.training.data.players import Player, Score
from sonotype.training.data.room import Samples, place
from sonotype.training.data.score import write_phrase
from sonotype.training.data.sources import BY_NAME
from sonotype.training.data.tunes import LICENCE as TUNE_LICENCE
from sonotype.training.data.tunes import TUNES
from sonotype.training.data.voices import Part, Role, Stems, is_validation

LENGTH_S = 8.4
_TRIES = 40
_TEST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Phrase:
    """One file that is to be made: the number `index` of the phrases of a part, or of its phrases from tunes."""

    part: Part
    index: int
    from_tune: bool = False

    @property
    def role(self) -> Role:
        """What its source is used for."""
        return BY_NAME[self.part.source].role

    @property
    def split(self) -> Split:
        """The split: of a training source, one phrase in six is for validation."""
        if self.role == "test":
            return "test"
        return "validation" if is_validation(self.index) else "train"

    @property
    def tune(self) -> str:
        """The tune that it is cut from; empty for a generated score."""
        if not self.from_tune:
            return ""
        tunes = TUNES[self.split]
        number = self.index // 6 if self.split == "validation" else self.index
        return tunes[number % len(tunes)]

    @property
    def group(self) -> str:
        """What must not be split: the score, the tune, or the piece of a real performance."""
        voice = self.part.voice
        if self.from_tune:
            return f"tune/{self.tune}"
        unit = voice.piece_of(self.index) if isinstance(voice, Stems) else f"{self.index:04d}"
        return f"{BY_LABEL[self.part.label].slug}/{self.part.source}/{unit}"

    def path(self, out: Path) -> Path:
        """Its file below the folder of the data set."""
        name = f"{self.part.source}-{'tune-' if self.from_tune else ''}{self.index:04d}.flac"
        return out / "audio" / BY_LABEL[self.part.label].slug / name


def plan(parts: Sequence[Part], phrases_per_class: int, tunes_per_class: int = 0) -> list[Phrase]:
    """Divide the phrases of every class: a quarter to its test sources, the rest to its training sources.

    A source's share follows its weight; what rounding leaves goes to the first sources. Recordings of performances and
    single notes play no tunes.
    """
    generated = _divided(parts, phrases_per_class, from_tune=False)
    players = [part for part in parts if part.weight == 1 and not isinstance(part.voice, Stems)]
    return generated + _divided(players, tunes_per_class, from_tune=True)


def _divided(parts: Iterable[Part], per_class: int, *, from_tune: bool) -> list[Phrase]:
    by_role: dict[tuple[str, Role], list[Part]] = {}
    for part in parts:
        by_role.setdefault((part.label, BY_NAME[part.source].role), []).append(part)
    out: list[Phrase] = []
    for (_, role), group in by_role.items():
        tests = round(per_class * _TEST_SHARE)
        total = tests if role == "test" else per_class - tests
        for part, count in zip(group, _shares([part.weight for part in group], total), strict=True):
            out += [Phrase(part, index, from_tune) for index in range(count)]
    return out


def _shares(weights: list[float], total: int) -> list[int]:
    counts = [int(total * weight / sum(weights)) for weight in weights]
    for i in range(total - sum(counts)):
        counts[i % len(counts)] += 1
    return counts


def make_phrase(phrase: Phrase, player: Player, seed: int, score: Score = write_phrase) -> Samples:
    """Make one phrase; what it sounds like follows from the seed, the class, the source and the index alone.

    Returns:
        Mono samples [LENGTH_S * RATE_HZ].

    Raises:
        SonotypeError: `internal`; forty draws gave no sound worth keeping.
    """
    reason = ""
    for attempt in range(_TRIES):
        random = np.random.default_rng(_entropy(phrase, seed, attempt))
        dry = player.play(random, phrase.index, LENGTH_S, score)
        reason = refusal(dry, peak_matters=False)
        if reason:
            continue
        samples = place(random, dry, RATE_HZ)
        reason = refusal(samples, peak_matters=True)
        if not reason:
            return samples
    name = f"{phrase.part.label} from {phrase.part.source}"
    raise SonotypeError(Code.INTERNAL, f"No usable phrase of {name} in {_TRIES} draws: the last one is {reason}.")


def _entropy(phrase: Phrase, seed: int, attempt: int) -> np.random.SeedSequence:
    names = [zlib.crc32(name.encode()) for name in (phrase.part.label, phrase.part.source, phrase.tune) if name]
    return np.random.SeedSequence([seed, *names, phrase.index, attempt])


def write_phrase_file(samples: Samples, path: Path) -> None:
    """Write a FLAC file (16 bit) that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}.tmp"
    try:
        soundfile.write(temporary, samples, RATE_HZ, format="FLAC", subtype="PCM_16")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def example_of(phrase: Phrase, out: Path) -> Example:
    """The row of the manifest for a phrase."""
    source = BY_NAME[phrase.part.source]
    licence = f"{source.licence} AND {TUNE_LICENCE}" if phrase.from_tune else source.licence
    return Example(phrase.path(out), (phrase.part.label,), phrase.split, source.name, phrase.group, licence)
