"""What would have to change for another class to win: a short way through the embedding space.

Wachter et al. 2017 (arXiv:1711.00399), section III: the nearest point that a classifier judges otherwise. The kernels
are flat far from all prototypes, so plain gradient steps can stall there. The search therefore begins on the straight
lines to the target's own prototypes, where the crossing of the border is found by bisection, and then walks along the
border as long as the way from the start becomes shorter.
"""

from __future__ import annotations

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.heads.prototypes import Doubles, PrototypeHead

# how clearly the target shall win, as the logarithm of the odds against its strongest rival
_LOG_ODDS = 1.0
_BISECTIONS, _WALKS = 40, 60


def counterfactual(head: PrototypeHead, start: Floats, to_label: str, points: int = 5) -> Floats:
    """Find a short straight way from an embedding to one that `to_label` wins.

    Args:
        head: the classifier.
        start: embedding in the backbone's space, shape [D].
        to_label: the class that shall win; for a multilabel head, that shall be present.
        points: number of points on the way, start and end included.

    Returns:
        Points in the backbone's space, evenly spaced, shape [points, D]; the last one is won by `to_label`.

    Raises:
        SonotypeError: `invalid_request` for an unknown class, fewer than two points, a start that the class has won
            already, or a class that not even its own prototypes are counted to.
    """
    if to_label not in head.labels:
        raise _refused(f"{head.card.name} has no class {to_label!r}.")
    if points < 2:
        raise _refused("A way needs at least two points.")
    border = _Border(head, head.labels.index(to_label))
    begin = head.normalise(start[None])[0]
    if border.gap(begin) > 0:
        raise _refused(f"The start is already counted to {to_label!r}.")
    end = border.shorten(begin, border.cross(begin))
    steps = np.linspace(0.0, 1.0, points)[:, None]
    way = np.asarray(head.restore(_between(begin, end, steps)), dtype=np.float32)
    way[0] = start
    return way


class _Border:
    """The border of one class in the normalised space, moved inwards by a margin."""

    def __init__(self, head: PrototypeHead, target: int) -> None:
        self._head, self._target = head, target
        self._own = head.arrays.prototypes[head.owners == target].astype(np.float64)
        self._margin = 0.0

    def gap(self, z: Doubles) -> float:
        """Logit of the target minus that of its strongest rival (zero for multilabel), minus the margin."""
        logits = self._head.logits_at(z[None])[0]
        return float(logits[self._target] - self._rival(logits)[0]) - self._margin

    def slope(self, z: Doubles) -> Doubles:
        """Gradient of `gap`, shape [D]."""
        gradient = self._head.logit_gradients(z)
        _, rival = self._rival(self._head.logits_at(z[None])[0])
        return np.asarray(gradient[self._target] - (0.0 if rival is None else gradient[rival]))

    def cross(self, begin: Doubles) -> Doubles:
        """The nearest crossing on the lines to the target's prototypes; sets the margin to what can be had.

        Raises:
            SonotypeError: no prototype of the target is counted to it.
        """
        own = [p for p in self._own if self.gap(p) > 0]
        if not own:
            raise _refused(f"No way to {self._head.labels[self._target]!r} was found.")
        self._margin = min(_LOG_ODDS * self._head.card.temperature, 0.5 * max(map(self.gap, own)))
        crossings = [self._bisect(begin, p) for p in own if self.gap(p) >= 0]
        return min(crossings, key=lambda end: float(np.linalg.norm(end - begin)))

    def shorten(self, begin: Doubles, end: Doubles) -> Doubles:
        """Walk along the border towards the point nearest to `begin`, where the way is normal to the border."""
        step = 0.5
        for _ in range(_WALKS):
            candidate = self._walk(begin, end, step)
            if np.linalg.norm(candidate - begin) < np.linalg.norm(end - begin) * (1 - 1e-6):
                end = candidate
            else:
                step *= 0.5
        return end

    def _walk(self, begin: Doubles, end: Doubles, step: float) -> Doubles:
        """One step against the part of the way that runs along the border, then back to the border."""
        normal = self.slope(end)
        way = end - begin
        along = way - normal * (way @ normal) / max(float(normal @ normal), 1e-30)
        aside = end - step * along
        # a Newton step along the normal brings the point back inside; bisection towards the start finds the border
        missing = max(0.0, -self.gap(aside))
        inside = aside + 1.5 * missing * normal / max(float(normal @ normal), 1e-30)
        return self._bisect(begin, inside) if self.gap(inside) >= 0 else end

    def _bisect(self, outside: Doubles, inside: Doubles) -> Doubles:
        low, high = 0.0, 1.0
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if self.gap(_between(outside, inside, middle)) >= 0 else (middle, high)
        return _between(outside, inside, high)

    def _rival(self, logits: Doubles) -> tuple[float, int | None]:
        """Logit and index of the strongest other class; zero and None where classes do not compete."""
        if self._head.card.multilabel:
            return 0.0, None
        others = np.delete(np.arange(len(logits)), self._target)
        strongest = int(others[np.argmax(logits[others])])
        return float(logits[strongest]), strongest


def _between(begin: Doubles, end: Doubles, share: float | Doubles) -> Doubles:
    """The point at a share of the way; at 1 it is the end itself, however far away the start lies."""
    return np.asarray((1.0 - share) * begin + share * end)


def _refused(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, detail)
