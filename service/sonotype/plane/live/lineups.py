"""The one lineup of a service whose models never change while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass

from sonotype.models.card import Card
from sonotype.plane.deployment import Model
from sonotype.serving.batcher import Batcher, Item, ItemSpec


@dataclass(frozen=True, slots=True)
class FixedLineup:
    """Implements `port.Lineup` and `port.Lineups`.

    Attributes:
        default_model: name of the model that answers when none is asked for.
        finder: the served model of an address.
        precisions: arithmetic of a network, None until a worker has loaded it.
        batcher: of the service.
    """

    default_model: str
    finder: Callable[[str], Model]
    precisions: Callable[[Card], str | None]
    batcher: Batcher

    @contextmanager
    def lease(self) -> Iterator[FixedLineup]:
        """Itself: there is no other."""
        yield self

    def find(self, address: str) -> Model:
        """The served model of `name` or `name@version`. Raises `model_not_found`."""
        return self.finder(address)

    def precision(self, card: Card) -> str | None:
        """Arithmetic of a network; None until a worker has loaded it."""
        return self.precisions(card)

    def open(self, spec: ItemSpec) -> AbstractAsyncContextManager[Item]:
        """A place in the batcher."""
        return self.batcher.open(spec)
