"""The embeddings that this deployment can compute for the catalogue, and the generations that they fill."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card
from sonotype.plane.deployment import Deployment
from sonotype.plane.heads import Head

_log = logging.getLogger(__name__)
_SHA_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Space:
    """One embedding of one served network: vectors of it can be compared with each other and with nothing else.

    Attributes:
        card: of the network.
        embedding: its name.
        dim: length of its vectors.
    """

    card: Card
    embedding: str
    dim: int

    @property
    def address(self) -> str:
        """`<model>@<embedding>`, as users write it."""
        return f"{self.card.name}@{self.embedding}"

    @property
    def generation(self) -> str:
        """Name of the generation that its vectors belong to: other weights have another one."""
        return f"{self.card.address}.{self.embedding}.{self.card.weights_sha256[:_SHA_DIGITS]}"

    def carries(self, head: Head) -> bool:
        """Whether a head reads this very embedding."""
        return head.backbone.address == self.card.address and head.embedding == self.embedding


def spaces(deployment: Deployment) -> Iterable[Space]:
    """Every embedding that is served."""
    for card in deployment.networks.values():
        for spec in card.embeddings:
            yield Space(card, spec.name, spec.dim)


def choose_space(deployment: Deployment, wanted: str) -> Space:
    """The embedding that similarity is computed with: the one wanted, else the first of the default model.

    Args:
        deployment: what is served.
        wanted: `<model>@<embedding>`.

    Raises:
        SonotypeError: `model_not_found` where neither is served.
    """
    served = list(spaces(deployment))
    found = next((space for space in served if space.address == wanted), None)
    if found is not None:
        return found
    default = deployment.served(deployment.default_model)
    if isinstance(default, Head):
        found = next((space for space in served if space.carries(default)), None)
    elif default is not None:
        found = next((space for space in served if space.card.name == default.name), None)
    if found is None:
        raise SonotypeError(Code.MODEL_NOT_FOUND, f"The catalogue needs the embedding {wanted!r}, which is not served.")
    _log.warning("%s is not served: the catalogue compares tracks by %s", wanted, found.address)
    return found


def choose_labellers(deployment: Deployment, wanted: Sequence[str]) -> tuple[str, ...]:
    """Names of the models whose labels and evidence are kept: those wanted, else the default and all heads.

    Without a wish those heads are left out that predict values, which are no labels.
    One that is not served is left out with a warning: tracks are stored without its labels.
    """
    judging = [name for name, head in deployment.heads.items() if head.task != "regression"]
    names = dict.fromkeys(wanted or (deployment.default_model, *judging))
    served = tuple(name for name in names if deployment.served(name.partition("@")[0]) is not None)
    for name in names:
        if name not in served:
            _log.warning("%s is not served: tracks are stored without its labels", name)
    return served
