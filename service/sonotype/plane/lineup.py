"""A lineup: the models that are served together, and the workers that loaded their networks.

A lineup never changes. Who asks takes the present one, and keeps it until the answer is there, whatever is loaded
meanwhile: models, prototypes and workers of one answer belong together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import TAGGER, Card
from sonotype.models.registry import Registry
from sonotype.plane.deployment import Deployment, Model, card_of
from sonotype.plane.prototypes import Prototypes
from sonotype.serving.batcher import Batcher, Item, ItemSpec


class Crew:
    """Workers with a set of networks, shared by all lineups that serve exactly these.

    Args:
        batcher: in front of the workers.
        networks: that they load, by name.

    Attributes:
        unused: nobody holds it.
        closing: it takes no more work.
    """

    def __init__(self, batcher: Batcher, networks: Mapping[str, Card]) -> None:
        self.batcher = batcher
        self.networks = dict(networks)
        self.unused = asyncio.Event()
        self.unused.set()
        self.closing = False
        self._holders = 0

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep the workers until the context is left."""
        self._holders += 1
        self.unused.clear()
        try:
            yield
        finally:
            self._holders -= 1
            if not self._holders:
                self.unused.set()


@dataclass(frozen=True, slots=True)
class Lineup:
    """The models that are served together.

    Attributes:
        registry: the repositories as they were when it was made.
        deployment: what of them is served.
        prototypes: of the served models.
        crew: the workers.
    """

    registry: Registry
    deployment: Deployment
    prototypes: Prototypes
    crew: Crew

    @property
    def default_model(self) -> str:
        """Name of the model that answers when none is asked for."""
        return self.deployment.default_model

    @property
    def batcher(self) -> Batcher:
        """In front of the workers."""
        return self.crew.batcher

    def find(self, address: str) -> Model:
        """The served model of `name` or `name@version`. Raises `model_not_found`."""
        name, _, version = address.partition("@")
        if name.startswith(TAGGER):
            raise SonotypeError(Code.MODEL_NOT_FOUND, f"{address[:80]!r} is a tagger: it only analyses.")
        model = self.deployment.served(name)
        if model is None or version not in ("", card_of(model).version):
            self.registry.find(address)
            served = "" if model is None else f"; what is served is version {card_of(model).version}"
            raise SonotypeError(Code.MODEL_NOT_FOUND, f"{address!r} is known, but not served here{served}.")
        return model

    def precision(self, card: Card) -> str | None:
        """Arithmetic of a network; None until a worker has loaded it."""
        return self.batcher.precision(card.address)

    def open(self, spec: ItemSpec) -> AbstractAsyncContextManager[Item]:
        """A place in the batcher; see `Batcher.open`."""
        return self.batcher.open(spec)
