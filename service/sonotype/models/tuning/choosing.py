"""From what the settings ask for to one engine and one arithmetic.

In this order: what the settings name, what the card fixes, what was measured, what is best for the device. `measure`
measures where nothing was measured yet.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from sonotype.models.card import Card
from sonotype.models.runtime.base import Engine, Precision, Runtime, wanted
from sonotype.models.tuning.candidates import candidates, default, is_tunable
from sonotype.models.tuning.measuring import Clock, Load, Report, fastest, measure
from sonotype.models.tuning.memory import Measured, Memory, conditions

Asked = Engine | Literal["measure"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses for the models of one worker.

    Attributes:
        open: loads a model, as `runtime.load`.
        device: where.
        threads: CPU threads inside one call.
        file: where measurements are kept; None where they are not.
        clock: what measures; None takes the right one for the device.
    """

    open: Load
    device: str
    threads: int
    file: Path | None = None
    clock: Clock | None = None

    def load(self, card: Card, weights: Path | None, precision: str, engine: str) -> Runtime:
        """Choose and load.

        Raises:
            SonotypeError: as `runtime.load`.
        """
        chosen, arithmetic = self.choose(card, weights, cast(Precision, precision), cast(Asked, engine))
        if chosen == "auto":  # whoever loads knows what is best
            return self.open(card, weights, self.device, arithmetic, threads=self.threads)
        _log.info("%s: %s %s", card.address, chosen, arithmetic)
        return self.open(card, weights, self.device, arithmetic, threads=self.threads, engine=chosen)

    def choose(self, card: Card, weights: Path | None, precision: Precision, engine: Asked) -> tuple[Engine, Precision]:
        """Engine and arithmetic to load a model with; either may be `auto`."""
        named: Engine = "auto" if engine == "measure" else engine
        named, precision = wanted(card, named, precision)
        if named != "auto" or weights is None or not is_tunable(card):
            return named, precision
        measured = self.recall(card, precision)
        if measured is None and engine == "measure":
            with self._turn():
                measured = self.recall(card, precision) or self.tune(card, weights, precision)
        return ("auto", precision) if measured is None else (measured.engine, measured.precision)

    def recall(self, card: Card, precision: Precision) -> Measured | None:
        """What was measured of a model, under the conditions of now."""
        if self.file is None:
            return None
        return Memory(self.file).find(card, self.device, precision, self.conditions(card))

    def conditions(self, card: Card) -> Mapping[str, str]:
        """What a measurement of a model depends on here."""
        return conditions(card, self.threads)

    def tune(self, card: Card, weights: Path, precision: Precision, report: Report = lambda text: None) -> Measured:
        """Measure everything that can be tried, choose, and keep it.

        Raises:
            SonotypeError: the reference cannot be loaded.
        """
        tried = candidates(self.device, precision)
        rows = measure(card, weights, self.device, self.threads, tried, load=self.open, clock=self.clock, report=report)
        best = fastest(rows, precision)
        if best is None:
            _log.warning("%s: nothing in %s agrees with the reference, but it was asked for", card.address, precision)
        measured = Measured(
            model=card.address,
            device=self.device,
            asked=precision,
            engine=best.engine if best else default(self.device),
            precision=best.precision if best else precision,
            rows=tuple(rows),
            conditions=dict(self.conditions(card)),
        )
        if self.file is not None:
            try:
                Memory(self.file).keep(card, measured)
            except OSError as error:
                _log.warning("what was measured of %s cannot be kept: %s", card.address, error)
        return measured

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with ExitStack() as held:
            if self.file is not None:
                try:
                    held.enter_context(Memory(self.file).lock())
                except OSError as error:
                    _log.warning("workers cannot take turns at measuring: %s", error)
            yield
