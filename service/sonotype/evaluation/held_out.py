"""Reference rows: real recordings of sources that nothing was trained on, as they are and decoded from what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonotype.core.errors import SonotypeError
from sonotype.core.types import Floats
from sonotype.evaluation.faithfulness import share
from sonotype.evaluation.listening import Heard, cosine
from sonotype.evaluation.recordings import Recording, read_samples
from sonotype.evaluation.sonifying import Stage
from sonotype.evaluation.summary import Interval, bootstrap, interval, macro_recall

SEED = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """One held-out recording: its class, and how it sounds real, through the codec, and decoded from its embedding."""

    label: str
    real: Heard
    codec: Heard
    decoded: Heard


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What classifier and judge make of real recordings and of their sonifications; recalls are macro.

    `cosine`, `ceiling` and `share` compare decoded and coded audio with the embedding of the real recording; `agree`
    is how often the classifier says of the decoded audio what it said of the real one, whatever the truth.
    """

    items: int
    real_classifier: Interval
    real_judge: Interval
    codec_classifier: Interval
    codec_judge: Interval
    decoded_classifier: Interval
    decoded_judge: Interval
    agree: Interval
    cosine: Interval
    ceiling: Interval
    share: Interval


def hear_pairs(stage: Stage, recordings: Sequence[Recording]) -> list[Pair]:
    """Hear the beginning of each recording in its three forms; recordings that cannot be used are left out."""
    rate = stage.sonifier.sample_rate_hz
    labels = stage.listener.head.labels
    pairs = []
    for recording in recordings:
        stage.step("held-out recordings")
        try:
            samples = read_samples(recording.path, rate, 0.0, stage.sonifier.segment_samples / rate)
            embedding = _first_patch(stage, samples)
            real = stage.hear(samples)
        except SonotypeError:
            continue
        pairs.append(
            Pair(
                label=next(label for label in labels if label in recording.labels),
                real=real,
                codec=stage.hear(stage.reconstruct(samples)),
                decoded=stage.hear(stage.sonify(embedding, SEED)),
            )
        )
    return pairs


def summarise_pairs(pairs: Sequence[Pair], labels: Sequence[str]) -> HeldOut | None:
    """Put the pairs together; None where there are none."""
    if not pairs:
        return None
    truth = np.array([pair.label for pair in pairs])

    def recall(form: str, ear: str) -> Interval:
        found = np.array([labels[int(getattr(getattr(pair, form), ear).argmax())] for pair in pairs])
        return bootstrap(len(pairs), lambda chosen: macro_recall(truth[chosen], found[chosen]))

    near = np.array([[cosine(p.decoded.z, p.real.z), cosine(p.codec.z, p.real.z)] for p in pairs])
    agree = [int(p.decoded.classifier.argmax()) == int(p.real.classifier.argmax()) for p in pairs]
    return HeldOut(
        items=len(pairs),
        real_classifier=recall("real", "classifier"),
        real_judge=recall("real", "judge"),
        codec_classifier=recall("codec", "classifier"),
        codec_judge=recall("codec", "judge"),
        decoded_classifier=recall("decoded", "classifier"),
        decoded_judge=recall("decoded", "judge"),
        agree=interval(agree),
        cosine=interval(near[:, 0].tolist()),
        ceiling=interval(near[:, 1].tolist()),
        share=bootstrap(len(pairs), lambda chosen: share(*near[chosen].mean(axis=0).tolist())),
    )


def _first_patch(stage: Stage, samples: Floats) -> Floats:
    return np.asarray(stage.listener.embed(samples, stage.sonifier.sample_rate_hz)[0])
