"""The plan of a data set (which phrases there are) and the making of one phrase of it."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.data.dataset import Example, Split
from sonotype.training.data.instruments import BY_LABEL
from sonotype.training.data.players import Player
from sonotype.training.data.room import Samples, place
from sonotype.training.data.sources import BY_NAME
from sonotype.training.data.voices import Part, Role, Stems, is_validation

RATE_HZ = 24_000
LENGTH_S = 8.4
_TRIES = 12
_TEST_SHARE = 0.25
_FRAME = 2048
_QUIET = 10 ** (-50 / 20)
_SOUNDING = 0.6
_LONGEST_PAUSE_S = 1.3
_FULL_SCALE = 0.999


@dataclass(frozen=True, slots=True)
class Phrase:
    """One file that is to be made: the number `index` of the phrases of a part."""

    part: Part
    index: int

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
    def group(self) -> str:
        """What must not be split: the score, or the piece of a real performance."""
        voice = self.part.voice
        unit = voice.piece_of(self.index) if isinstance(voice, Stems) else f"{self.index:04d}"
        return f"{BY_LABEL[self.part.label].slug}/{self.part.source}/{unit}"

    def path(self, out: Path) -> Path:
        """Its file below the folder of the data set."""
        return out / "audio" / BY_LABEL[self.part.label].slug / f"{self.part.source}-{self.index:04d}.flac"


def plan(parts: Iterable[Part], phrases_per_class: int) -> list[Phrase]:
    """Divide the phrases of every class: a quarter to its test sources, the rest to its training sources.

    A source's share follows its weight; what rounding leaves goes to the first sources.
    """
    by_role: dict[tuple[str, Role], list[Part]] = {}
    for part in parts:
        by_role.setdefault((part.label, BY_NAME[part.source].role), []).append(part)
    out: list[Phrase] = []
    for (_, role), group in by_role.items():
        tests = round(phrases_per_class * _TEST_SHARE)
        total = tests if role == "test" else phrases_per_class - tests
        for part, count in zip(group, _shares([part.weight for part in group], total), strict=True):
            out += [Phrase(part, index) for index in range(count)]
    return out


def _shares(weights: list[float], total: int) -> list[int]:
    counts = [int(total * weight / sum(weights)) for weight in weights]
    for i in range(total - sum(counts)):
        counts[i % len(counts)] += 1
    return counts


def make_phrase(phrase: Phrase, player: Player, seed: int) -> Samples:
    """Make one phrase; what it sounds like follows from the seed, the class, the source and the index alone.

    Returns:
        Mono samples [LENGTH_S * RATE_HZ].

    Raises:
        SonotypeError: `internal`; twelve draws gave no sound worth keeping.
    """
    reason = ""
    for attempt in range(_TRIES):
        random = np.random.default_rng(_entropy(phrase, seed, attempt))
        dry = player.play(random, phrase.index, LENGTH_S)
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
    names = [zlib.crc32(name.encode()) for name in (phrase.part.label, phrase.part.source)]
    return np.random.SeedSequence([seed, *names, phrase.index, attempt])


def refusal(samples: Samples, *, peak_matters: bool) -> str:
    """Why a render must not be kept: `not finite`, `clipped` or `silent`; empty for a good one."""
    if not np.isfinite(samples).all():
        return "not finite"
    peak = float(np.abs(samples).max(initial=0.0))
    if peak_matters and peak >= _FULL_SCALE:
        return "clipped"
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    sounding = np.sqrt(np.mean(frames.astype(np.float64) ** 2, axis=1)) > _QUIET * peak
    if peak < 1e-4 or np.mean(sounding) < _SOUNDING or _longest_pause(sounding) * _FRAME > _LONGEST_PAUSE_S * RATE_HZ:
        return "silent"
    return ""


def _longest_pause(sounding: npt.NDArray[np.bool_]) -> int:
    """The longest run of frames without sound: a segment of three seconds must not fall into a pause."""
    edges = np.flatnonzero(np.concatenate([[True], sounding, [True]]))
    return int(np.max(np.diff(edges))) - 1


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
    return Example(phrase.path(out), (phrase.part.label,), phrase.split, source.name, phrase.group, source.licence)
