"""What a sonification must reach. Chosen before any decoder was measured; nothing here is tuned on results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sonotype.models.heads.provenance import Criterion

# The backbone's own classifier is the easy judge, as the decoder was trained to satisfy its embedding: nearly always.
CLASSIFIER = 0.9
CLASSIFIER_AIM = 0.95
# The judge also fails on some real recordings of sources it never heard, so it may disagree more often.
JUDGE = 0.7
JUDGE_AIM = 0.85
# Of the cosine that the real medoid keeps through the same mel and vocoder: what they lose is not the decoder's fault.
SHARE = 0.6
# Whose sonification is it? Chance is one in the number of prototypes.
RETRIEVAL = 0.5
# Between sonifications of one embedding: below this the noise says more about the sound than the embedding does.
SEEDS = 0.7
# How far above both nulls: a cosine that any sound of the data set would reach says nothing about this prototype.
NULL_MARGIN = 0.15


@dataclass(frozen=True, slots=True)
class Measures:
    """The numbers that are held against the thresholds; see `Badge` for their meaning."""

    cosine: float
    share: float
    retrieval: float
    classifier: float
    judge: float
    seeds: float
    null_other: float
    null_zero: float


# what each criterion compares, and with what; equal passes
_RULES: dict[Criterion, Callable[[Measures], tuple[float, float]]] = {
    "cosine": lambda m: (m.share, SHARE),
    "retrieval": lambda m: (m.retrieval, RETRIEVAL),
    "classifier": lambda m: (m.classifier, CLASSIFIER),
    "judge": lambda m: (m.judge, JUDGE),
    "seeds": lambda m: (m.seeds, SEEDS),
    "nulls": lambda m: (m.cosine - max(m.null_other, m.null_zero), NULL_MARGIN),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One criterion: the value, what it should reach, and whether it does."""

    criterion: Criterion
    value: float
    threshold: float

    @property
    def passed(self) -> bool:
        """Whether the threshold is reached."""
        return self.value >= self.threshold


def verdicts(measures: Measures) -> tuple[Verdict, ...]:
    """Hold measures against every threshold."""
    return tuple(Verdict(name, *rule(measures)) for name, rule in _RULES.items())


def failures(measures: Measures) -> tuple[Criterion, ...]:
    """The criteria that are not met; a value that is not a number meets none."""
    return tuple(verdict.criterion for verdict in verdicts(measures) if not verdict.passed)
