"""Load, roll back and unload models while the service runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.settings import Settings
from sonotype.models.card import Card
from sonotype.models.registry import Registry
from sonotype.plane.changing import with_model, without_model
from sonotype.plane.choices import Choice, Choices, choices_file, write_choices
from sonotype.plane.deployment import Deployment, card_of
from sonotype.plane.lineups import Lineups
from sonotype.telemetry import metrics

_log = logging.getLogger(__name__)

Action = Literal["load", "rollback", "unload"]


class ModelControl:
    """Changes what is served, one change after the other: who calls meanwhile waits for its turn.

    Every failure leaves the models that are served as they were, and so does cancelling a call before its models took
    over.

    Args:
        lineups: what is served.
        settings: whether any of this is allowed, and where choices are kept.
        choices: what was chosen before.
    """

    def __init__(self, lineups: Lineups, settings: Settings, choices: Choices) -> None:
        self._lineups = lineups
        self._settings = settings
        self._lock = asyncio.Lock()
        self.choices = self._kept = choices

    async def load(self, name: str, version: str | None = None) -> str | None:
        """Serve a version of a model: the one named, which is pinned, or the newest.

        The repositories are read again. What is served already is not loaded twice.

        Returns:
            The version that was served before, if one was.

        Raises:
            SonotypeError: `forbidden` where the deployment does not allow that; `model_not_found`; `weights_missing`,
                `weights_corrupt`, `conflict`; why a worker cannot load.
        """
        async with self._turn("load", name) as registry:
            return await self._load(registry, name, version)

    async def rollback(self, name: str) -> str | None:
        """Serve the version that was served before the present one, or the next older one that is there, and pin it.

        Returns:
            The version that was served until now.

        Raises:
            SonotypeError: as `load`; `conflict` where there is nothing to roll back to.
        """
        async with self._turn("rollback", name) as registry:
            served = self._served(registry, name)
            choice = self.choices.of(name)
            wanted = _earlier(list(registry.versions(name)), choice, served)
            if wanted is None:
                raise SonotypeError(Code.CONFLICT, f"There is no earlier version of {name} to roll back to.")
            registry.pin(name, wanted)
            await self._serve(registry, name)
            await self._keep(self.choices.having(name, version=wanted, stopgap=False, past=choice.before(wanted)))
            return served

    async def unload(self, name: str) -> str | None:
        """Serve a model no longer, neither now nor after the next start.

        Returns:
            The version that was served until now, if one was.

        Raises:
            SonotypeError: `forbidden`; `model_not_found`; `conflict` for the default model, and for a network that
                heads stand on.
        """
        async with self._turn("unload", name) as registry:
            served = self._served(registry, name)
            deployment = without_model(self._lineups.current.deployment, name)
            if served is not None:
                await self._lineups.replace(registry, deployment)
                _log.info("%s is not served any more", name)
            await self._keep(self.choices.having(name, served=False))
            return served

    async def behind(self, names: Collection[str]) -> list[str]:
        """Of these models those that are not served as they lie in the repositories now; networks come first."""
        registry = await self._look_again()
        newest = [list(versions.values())[-1] for versions in map(registry.versions, names) if versions]
        # a network may have waited for a version of a head that fits
        networks = {card.backbone.model for card in newest if not isinstance(card, Card)}
        late = [name for name in {*names, *networks} if self._wanted(registry, name) is not None]
        return sorted(late, key=lambda name: (name not in registry.cards(), name))

    async def follow(self, name: str) -> None:
        """Serve what lies in the repositories now, as the choices want it: what `poll` does with a changed folder.

        Raises:
            SonotypeError: as `load`.
        """
        async with self._lock:
            registry = await self._look_again()
            wanted = self._wanted(registry, name)
            if wanted is not None:
                with _counted("load"):
                    await self._load(registry, name, self.choices.of(name).pin)

    def _wanted(self, registry: Registry, name: str) -> str | None:
        """The version that ought to be served and is not."""
        choice = self.choices.of(name)
        model = self._lineups.current.deployment.served(name)
        outside = model is None and bool(self._settings.models) and not choice.served
        versions = registry.versions(name)
        wanted = choice.pin or next(reversed(versions), None)
        if choice.served is False or outside or wanted not in versions:
            return None
        card = versions[wanted]
        same = model is not None and card_of(model) == card
        network = card if isinstance(card, Card) else registry.cards().get(card.backbone.model)
        return None if same or network is None or not registry.is_pulled(network) else wanted

    async def _load(self, registry: Registry, name: str, version: str | None) -> str | None:
        before, choice = self._lineups.current.deployment.version(name), self.choices.of(name)
        registry.pin(name, version)
        registry.find(name)
        try:
            await self._serve(registry, name)
        except SonotypeError:
            if before is not None and version is None and choice.pin is None:  # nor at the next start
                await self._keep(self.choices.having(name, version=before, stopgap=True))
            raise
        after = self._lineups.current.deployment.version(name)
        past = choice.past if before in (None, after) else choice.after(before)
        outside = bool(self._settings.models) and name not in {it.partition("@")[0] for it in self._settings.models}
        served = True if outside else None
        await self._keep(self.choices.having(name, version=version, stopgap=False, served=served, past=past))
        return before

    async def _serve(self, registry: Registry, name: str) -> None:
        """Let the version that is current in the registry take over, with the heads that move along."""
        old = self._lineups.current.deployment
        new = await asyncio.to_thread(with_model, registry, self._settings, old, name)
        for head in new.heads.values():
            if head is not old.heads.get(head.card.name):
                registry.retract(head.card.name)
                for note in head.notes:
                    registry.report(head.card.name, note)
        registry.retract(name)
        await self._lineups.replace(registry, new)
        _log.info("%s@%s is served now", name, new.version(name))
        # written by whoever called, with the choice of its own: a caller who leaves now must not keep half of a change
        self.choices = _moved_along(self.choices, registry, old, new, name)

    def _served(self, registry: Registry, name: str) -> str | None:
        """The version that is served, if one is. Raises `model_not_found` for a model that there is not."""
        served = self._lineups.current.deployment.version(name)
        if served is None:
            registry.find(name)
        return served

    @asynccontextmanager
    async def _turn(self, action: Action, name: str) -> AsyncIterator[Registry]:
        """Wait for the turn of a call; the repositories as they are then. Raises `forbidden`, `invalid_request`."""
        if self._settings.model_control == "none":
            raise SonotypeError(Code.FORBIDDEN, "This deployment does not let its models be changed while it runs.")
        if "@" in name:
            raise SonotypeError(Code.INVALID_REQUEST, "Name the model without a version: that is an option of its own.")
        async with self._lock:
            with _counted(action):
                yield await self._look_again()

    async def _look_again(self) -> Registry:
        """The repositories as they are now, in which what is served is current."""

        def look() -> Registry:
            registry = self._lineups.current.registry.copy()
            registry.refresh()
            for name, model in self._lineups.current.deployment.models.items():
                if card_of(model).version in registry.versions(name):
                    registry.pin(name, card_of(model).version)
            return registry

        return await asyncio.to_thread(look)

    async def _keep(self, choices: Choices) -> None:
        """Take choices at once, and write them down where they are new, whether the caller waits for that or leaves."""
        self.choices = choices
        if choices != self._kept:
            self._kept = choices
            await asyncio.shield(asyncio.to_thread(write_choices, choices_file(self._settings), choices))


def _earlier(versions: list[str], choice: Choice, served: str | None) -> str | None:
    """Where a rollback leads: to the last version of the past that is still there, else to the next older one."""
    if served is None:
        return None
    past = [version for version in choice.past if version in versions and version != served]
    older = versions[: versions.index(served)] if served in versions else []
    return next(reversed(past or older), None)


def _moved_along(choices: Choices, registry: Registry, old: Deployment, new: Deployment, name: str) -> Choices:
    """The choices once heads have moved along with a network: each stays at its version, unless that is the newest."""
    for moved, head in new.heads.items():
        before, version = old.version(moved), head.card.version
        if moved == name or before in (None, version):
            continue
        newest = next(reversed(registry.versions(moved))) == version
        choice = choices.of(moved)
        past = choice.before(version) if version in choice.past else choice.after(before)
        choices = choices.having(moved, version=None if newest else version, stopgap=not newest, past=past)
    return choices


@contextmanager
def _counted(action: Action) -> Iterator[None]:
    try:
        yield
    except SonotypeError as error:
        metrics.MODEL_CHANGES.labels(action, error.code).inc()
        raise
    metrics.MODEL_CHANGES.labels(action, "done").inc()
