"""Keep an open catalogue in step with the models that are served."""

from __future__ import annotations

from typing import Protocol

from sonotype.core.settings import Settings
from sonotype.plane.catalog.generations import Generations
from sonotype.plane.catalog.seeds import Seeds
from sonotype.plane.catalog.space import choose_labellers, choose_space, spaces
from sonotype.plane.catalog.tracks import Tracks
from sonotype.plane.deployment import Deployment
from sonotype.plane.prototypes import Prototypes


class Models(Protocol):
    """What a catalogue needs of a lineup."""

    @property
    def deployment(self) -> Deployment:
        """What is served."""

    @property
    def prototypes(self) -> Prototypes:
        """Of the served models."""


class CatalogFollower:
    """Implements `plane.lineups.Follower`.

    Where the network of the catalogue's embedding gets other weights, a new generation begins beside the old one, as
    after a restart with another model: searches stay with the old one until the new one is filled.

    Args:
        settings: which embedding and which labels are kept.
        generations: opened.
        tracks: embeds and labels.
        seeds: understands queries.
    """

    def __init__(self, settings: Settings, generations: Generations, tracks: Tracks, seeds: Seeds) -> None:
        self._settings = settings
        self._generations = generations
        self._tracks = tracks
        self._seeds = seeds

    async def prepare(self, lineup: Models) -> None:
        """Begin the generation that the models need. Raises what the engine raises."""
        await self._generations.begin(choose_space(lineup.deployment, self._settings.catalog_embedding))

    def adopt(self, lineup: Models) -> None:
        """From now on tracks are embedded and labelled by these models."""
        deployment = lineup.deployment
        space = choose_space(deployment, self._settings.catalog_embedding)
        self._generations.configure(space, tuple(spaces(deployment)))
        self._tracks.configure(choose_labellers(deployment, self._settings.catalog_models), deployment.heads.values())
        self._seeds.prototypes = lineup.prototypes
