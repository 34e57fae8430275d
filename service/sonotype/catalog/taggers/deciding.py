"""What a correction changes beyond its counts: the part that has become too mixed is split, the cheapest pair merged.

Found once, while the correction is made; the log keeps what was found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sonotype.catalog.taggers.merging import Merges, Pair, sizes
from sonotype.catalog.taggers.taught import TaughtSet
from sonotype.catalog.taggers.values import Split
from sonotype.models.multilabel.impurity import Weights, entropies, impurity, scatter, weigh
from sonotype.models.multilabel.lloyd import assign
from sonotype.models.multilabel.samples import Doubles, Ints

_LABELS = 4  # that seed cuts of a part
_ROUNDS = 4  # of moving the two centres of a cut
_BOUND = 0.9  # share of the fitted parts that lie within the bounds
_SAMPLE = 512  # members that the centres of a cut are found on
_PATIENCE = 16  # a part is looked at again when this many-th part of it has changed


@dataclass(frozen=True, slots=True)
class Bounds:
    """How mixed and how wide a part may be, and what counts how much in that.

    Attributes:
        mixed: mean label entropy of its members.
        wide: mean squared radius.
        weights: of the labels and of the scatter.
    """

    mixed: float
    wide: float
    weights: Weights

    @classmethod
    def of(cls, fitted: TaughtSet) -> Bounds:
        """Those that most parts of a set keep, which is as it was fitted, so that corrections do not loosen them."""
        parts, (yes, no) = fitted.parts, fitted.totals
        weights = weigh(fitted.sums.values[parts].sum(axis=0), len(fitted.ids), yes, no)
        mixed, wide = (float(np.quantile(values, _BOUND)) for values in _measures(fitted, parts, weights))
        return cls(mixed, wide, weights)


class Decider:
    """Keeps a set within its budget and its parts within their bounds.

    Args:
        taught: the set, as it was fitted or at any time later.
        budget: parts it may have.
        bounds: of parts; those of the set itself unless given.
    """

    def __init__(self, taught: TaughtSet, budget: int, bounds: Bounds | None = None) -> None:
        self._taught, self._budget = taught, max(budget, len(taught))
        self._bounds = Bounds.of(taught) if bounds is None else bounds
        self._weights = self._bounds.weights
        self._merges = Merges(taught, self._weights)
        self._changed: dict[int, int] = {}

    def decide(self, part: int) -> tuple[Split | None, Pair | None]:
        """Split a part that a correction touched, where it should be; done to the set, and told."""
        if not self._is_due(part):
            return None, None
        gain, moved = self._cut(part)
        pair = None
        if gain <= 0:
            return None, None
        if len(self._taught) >= self._budget:
            pair, cost = self._merges.cheapest(besides=part)
            if pair is None or cost >= gain:
                return None, None
        new = self._taught.split(part, moved)
        if pair is not None:
            self._taught.merge(*pair)
        self._changed[part] = self._changed[new] = 0
        return Split(part, moved), pair

    def _is_due(self, part: int) -> bool:
        size = len(self._taught.members[part])
        self._changed[part] = changed = self._changed.get(part, 0) + 1
        if size < 2 or changed < size // _PATIENCE:
            return False
        mixed, wide = _measures(self._taught, np.array([part]), self._weights)
        is_due = bool(mixed[0] > self._bounds.mixed or wide[0] > self._bounds.wide)
        self._changed[part] = 0 if is_due else changed
        return is_due

    def _cut(self, part: int) -> tuple[float, tuple[int, ...]]:
        """The largest gain, not above zero where no cut gains anything, and the members that leave."""
        taught = self._taught
        numbers = np.array(taught.members[part], dtype=np.int64)
        x, said = taught.vectors.values[numbers].astype(np.float64), taught.said.values[numbers]
        whole = self._impurity(x[None], said[None])
        best, moved = 0.0, numbers[:0]
        for seeds in self._seeds(x[:_SAMPLE], said[:_SAMPLE]):
            side = assign(x, seeds, _ROUNDS).astype(np.bool_)
            if side.all() or not side.any():
                continue
            gain = whole - self._impurity(x[side][None], said[side][None])
            gain -= self._impurity(x[~side][None], said[~side][None])
            if gain > best:
                best, moved = gain, numbers[side]
        return best, tuple(moved.tolist())

    def _seeds(self, x: Doubles, said: Ints) -> list[Doubles]:
        yes, no = (said > 0), (said < 0)
        unsure = self._weights.labels * entropies(yes.sum(axis=0), no.sum(axis=0))
        chosen = [label for label in np.argsort(-unsure, kind="stable")[:_LABELS] if unsure[label] > 0]
        ends = [np.stack([x[yes[:, label]].mean(axis=0), x[no[:, label]].mean(axis=0)]) for label in chosen]
        far = int((x @ x.mean(axis=0)).argmin())
        return [*ends, x[[far, int((x @ x[far]).argmin())]]]

    def _impurity(self, x: Doubles, said: Ints) -> float:
        counts = (said > 0).sum(axis=1), (said < 0).sum(axis=1)
        return float(impurity(np.array([x.shape[1]]), x.sum(axis=1), *counts, self._weights)[0])


def _measures(taught: TaughtSet, parts: Ints, weights: Weights) -> tuple[Doubles, Doubles]:
    """Mean label entropy and mean squared radius of parts."""
    weight, counts = sizes(taught, parts), taught.counts.values[parts]
    mixed = entropies(counts[:, 0], counts[:, 1]) @ weights.labels
    return mixed / weight, scatter(weight, taught.sums.values[parts]) / weight
