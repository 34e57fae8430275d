"""What an answer shows of the evidence: the strongest prototypes for and against each shown label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sonotype.core.types import Floats, ModelResult, Reasons
from sonotype.plane.port import Plane
from sonotype.plane.sonification import PrototypeInfo


@dataclass(frozen=True, slots=True)
class Share:
    """One prototype's part in one logit."""

    prototype: PrototypeInfo
    evidence: float
    similarity: float


@dataclass(frozen=True, slots=True)
class LabelReasons:
    """Why a label has its logit: `baseline`, every share that is listed, and `rest` add up to `logit`.

    Attributes:
        label: the class.
        logit: before temperature and softmax or sigmoid.
        baseline: the logit of an average training segment.
        pro: shares above zero, largest first.
        con: shares below zero, lowest first.
        rest: sum of the shares that are not listed.
    """

    label: str
    logit: float
    baseline: float
    pro: tuple[Share, ...]
    con: tuple[Share, ...]
    rest: float


@dataclass(frozen=True, slots=True)
class Heat:
    """Listed prototypes over time.

    Attributes:
        starts_s: start of each patch, shape [n_patches].
        label: the winning class, whose evidence is shown.
        prototypes: of the columns.
        similarity: shape [n_patches, n_prototypes].
        evidence: shape [n_patches, n_prototypes].
    """

    starts_s: Floats
    label: str
    prototypes: tuple[PrototypeInfo, ...]
    similarity: Floats
    evidence: Floats


@dataclass(frozen=True, slots=True)
class ReasonsView:
    """The reasons of one model's answer as they are shown; `nearest` holds prototypes with their similarity.

    `similarity_max` is the median over the patches of the similarity of the nearest prototype, what
    `out_of_distribution` compares with `ood_threshold`.
    """

    out_of_distribution: bool
    similarity_max: float
    ood_threshold: float
    labels: tuple[LabelReasons, ...]
    nearest: tuple[tuple[PrototypeInfo, float], ...]
    heat: Heat | None


def view_reasons(
    plane: Plane, result: ModelResult, labels: Sequence[str], top_k: int | None, timeline: bool
) -> ReasonsView | None:
    """Pick the strongest `top_k` prototypes (None: all) for and against each of `labels`; None where there are none."""
    if result.reasons is None or top_k == 0:
        return None
    ledger = _Ledger(plane, result, result.reasons, top_k)
    return ReasonsView(
        out_of_distribution=result.reasons.out_of_distribution,
        similarity_max=_typical_max(result.reasons),
        ood_threshold=result.reasons.ood_threshold,
        labels=tuple(ledger.label(label) for label in labels),
        nearest=tuple((ledger.infos[j], float(result.reasons.similarity[j])) for j in ledger.nearest()),
        heat=ledger.heat() if timeline else None,
    )


def _typical_max(reasons: Reasons) -> float:
    return float(np.median(reasons.patch_similarity.max(axis=1)))


class _Ledger:
    """Reads one answer's evidence; j is a prototype's column, c a label's row."""

    def __init__(self, plane: Plane, result: ModelResult, reasons: Reasons, top_k: int | None) -> None:
        self._result = result
        self._reasons = reasons
        self._top_k = top_k
        known = {info.id: info for info in plane.prototypes(result.model)}
        named = zip(reasons.prototypes, reasons.owners.tolist(), strict=True)
        self.infos = [known.get(id_) or PrototypeInfo(id_, result.model, result.labels[c]) for id_, c in named]

    def label(self, label: str) -> LabelReasons:
        c = self._result.labels.index(label)
        evidence = self._reasons.evidence[c].astype(np.float64)
        pro, con = self._strongest(evidence), self._strongest(-evidence)
        listed = [*pro, *con]
        return LabelReasons(
            label,
            float(self._reasons.logits[c]),
            float(self._reasons.baseline[c]),
            tuple(self._share(c, j) for j in pro),
            tuple(self._share(c, j) for j in con),
            float(np.delete(evidence, listed).sum()),
        )

    def nearest(self) -> list[int]:
        # similarities may underflow to zero far from every prototype; some are the nearest all the same
        return self._order(self._reasons.similarity)[: self._top_k]

    def heat(self) -> Heat:
        """Lines of what is listed for the winning label, and of the nearest."""
        reasons, winner = self._reasons, int(self._result.tags.argmax())
        evidence = reasons.evidence[winner]
        columns = list(dict.fromkeys([*self._strongest(evidence), *self._strongest(-evidence), *self.nearest()]))
        similarity = reasons.patch_similarity[:, columns]
        return Heat(
            self._result.starts_s,
            self._result.labels[winner],
            tuple(self.infos[j] for j in columns),
            similarity,
            (similarity - reasons.train_similarity[columns]) * reasons.weight[winner, columns],
        )

    def _share(self, c: int, j: int) -> Share:
        return Share(self.infos[j], float(self._reasons.evidence[c, j]), float(self._reasons.similarity[j]))

    def _strongest(self, values: NDArray[np.floating]) -> list[int]:
        """Columns of the largest positive values."""
        return [j for j in self._order(values) if values[j] > 0][: self._top_k]

    @staticmethod
    def _order(values: NDArray[np.floating]) -> list[int]:
        """Columns by falling value, ties in order."""
        order: list[int] = np.argsort(-values, kind="stable").tolist()
        return order
