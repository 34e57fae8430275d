"""Make the sounds of a gate: sonifications of every embedding, and the real segments they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from sonotype.audio.encode import Pcm, to_pcm
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.evaluation.faithfulness import Trial
from sonotype.evaluation.listening import Heard, Listener, cosine
from sonotype.evaluation.recordings import Recording, fitted, read_samples
from sonotype.models.heads.provenance import Segment
from sonotype.models.sonify.base import Sonifier

Kind = Literal["prototype", "medoid"]
Step = Callable[[str], None]
"""Called after each sound with the name of the stage."""


@runtime_checkable
class Reconstructs(Protocol):
    """A sonifier that can pass real samples through its codec, without its decoder."""

    def reconstruct(self, samples: Floats) -> Floats:
        """Samples [segment_samples] to samples [segment_samples]."""
        ...


@dataclass(slots=True)
class Shelf:
    """Sounds that are kept for the page: 16-bit samples by kind, prototype and seed (None: the real segment)."""

    sounds: dict[tuple[str, int, int | None], Pcm] = field(default_factory=dict)

    def put(self, kind: str, index: int, seed: int | None, samples: Floats) -> None:
        """Keep a sound."""
        self.sounds[kind, index, seed] = to_pcm(samples)


@dataclass(frozen=True, slots=True)
class Stage:
    """What all trials of one model share.

    Attributes:
        listener: model and judge.
        sonifier: the decoder.
        seeds: of the sonifications.
        tries: sonifications per seed, of which the one nearest to its embedding is kept.
        shelf: where sounds go.
        step: progress.
    """

    listener: Listener
    sonifier: Sonifier
    seeds: Sequence[int]
    tries: int = 1
    shelf: Shelf = field(default_factory=Shelf)
    step: Step = lambda stage: None

    def sonify(self, embedding: Floats, seed: int) -> Floats:
        """One sonification, whole, of a raw embedding [D]."""
        return np.concatenate(list(self.sonifier.stream(embedding, seed=seed)))

    def nearest(self, embedding: Floats, seed: int) -> tuple[int, Floats]:
        """The seed of the noise, and the samples, that come nearest to a raw embedding [D] by cosine, of all tries.

        The first try is the seed itself; no try of one seed is one of another's.
        """
        noises = [seed + number * (max(self.seeds) + 1) for number in range(self.tries)]
        takes = [self.sonify(embedding, noise) for noise in noises]
        if len(takes) == 1:
            return noises[0], takes[0]
        target, rate_hz = self.listener.head.normalise(embedding[None])[0], self.sonifier.sample_rate_hz
        near = [cosine(self.listener.place(take, rate_hz), target) for take in takes]
        best = int(np.argmax(near))
        return noises[best], takes[best]

    def hear(self, samples: Floats) -> Heard:
        """Hear samples at the sonifier's rate."""
        return self.listener.hear(samples, self.sonifier.sample_rate_hz)

    def reconstruct(self, samples: Floats) -> Floats:
        """Real samples through the codec; unchanged where the sonifier cannot do that."""
        if isinstance(self.sonifier, Reconstructs):
            return self.sonifier.reconstruct(fitted(samples, self.sonifier.segment_samples))
        return samples


def real_segments(
    stage: Stage, segments: Sequence[Segment], recordings: Sequence[Recording]
) -> tuple[list[Heard], list[Heard]]:
    """Hear the real segment nearest to each prototype as it is, and through the codec.

    Args:
        stage: model, judge and decoder.
        segments: the medoids.
        recordings: the data set.

    Raises:
        SonotypeError: `invalid_request` where the data set does not hold a medoid.
    """
    rate = stage.sonifier.sample_rate_hz
    real, coded = [], []
    for index, segment in enumerate(segments):
        recording = find(recordings, segment)
        samples = read_samples(recording.path, rate, segment.offset_s, stage.sonifier.segment_samples / rate)
        stage.shelf.put("real", index, None, samples)
        real.append(stage.hear(samples))
        coded.append(stage.hear(stage.reconstruct(samples)))
        stage.step("real segments")
    return real, coded


def find(recordings: Sequence[Recording], segment: Segment) -> Recording:
    """The training recording that a segment was cut from.

    Raises:
        SonotypeError: `invalid_request` where there is none, or several that cannot be told apart.
    """
    tail = tuple(segment.file.split("/"))
    found = [r for r in recordings if r.split == "train" and r.path.parts[-len(tail) :] == tail]
    if len(found) > 1:
        found = [r for r in found if segment.label in r.labels and segment.source == r.source]
    if len(found) != 1:
        how = "several training files" if found else "no training file"
        raise SonotypeError(Code.INVALID_REQUEST, f"The data set has {how} {segment.file!r}.")
    return found[0]


def run_trial(stage: Stage, kind: Kind, raw: Floats, codec: Sequence[Heard], silent: Sequence[Heard]) -> Trial:
    """Decode embeddings [M, D] of the backbone's space with every seed, and hear the results."""
    heard, noises = [], []
    for index, embedding in enumerate(raw):
        takes, kept = [], []
        for seed in stage.seeds:
            noise, samples = stage.nearest(embedding, seed)
            stage.shelf.put(kind, index, seed, samples)
            takes.append(stage.hear(samples))
            kept.append(noise)
            stage.step(f"decoded {kind}s")
        heard.append(takes)
        noises.append(kept)
    return Trial(
        targets=stage.listener.head.normalise(raw),
        owners=stage.listener.head.owners,
        seeds=tuple(stage.seeds),
        heard=heard,
        codec=codec,
        silent=silent,
        tries=stage.tries,
        noises=noises,
    )


def silent_takes(stage: Stage) -> list[Heard]:
    """Sonifications of the embedding that says nothing: the mean of the training data, z = 0."""
    head = stage.listener.head
    mean = head.restore(np.zeros((1, head.dim)))[0].astype(np.float32)
    return [stage.hear(stage.sonify(mean, seed)) for seed in stage.seeds]
