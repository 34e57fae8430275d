"""Look at the model repositories now and then, and load what has changed: `model_control=poll`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from stat import S_ISREG

from sonotype.core.errors import SonotypeError
from sonotype.models.registry import Registry
from sonotype.models.repository import card_files
from sonotype.plane.control import ModelControl
from sonotype.plane.lineups import Lineups

_log = logging.getLogger(__name__)

Stamp = tuple[tuple[str, int, int], ...]


class ModelWatch:
    """Serves new and changed versions by itself.

    What could not be loaded is tried again when something in its folder, or its pulled weights, has changed.

    Args:
        control: loads them.
        lineups: what is served.
        every_s: seconds between looks.
    """

    def __init__(self, control: ModelControl, lineups: Lineups, every_s: float) -> None:
        self._control = control
        self._lineups = lineups
        self._every_s = every_s
        self._seen: dict[str, Stamp] = {}

    async def run(self) -> None:
        """Look until the task is cancelled."""
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - background job: the next look may fare better
                _log.exception("the model repositories cannot be looked at")
            await asyncio.sleep(self._every_s)

    async def look(self) -> None:
        """Look once, and load what has changed since the last look, networks before the heads that stand on them."""
        stamps = await asyncio.to_thread(_stamps, self._lineups.current.registry)
        changed = [name for name, stamp in stamps.items() if self._seen.get(name) != stamp]
        self._seen = stamps
        for name in await self._control.behind(changed) if changed else ():
            await self._follow(name)

    async def _follow(self, name: str) -> None:
        try:
            await self._control.follow(name)
        except SonotypeError as error:
            _log.warning("%s was not loaded: %s", name, error.detail)
            registry = self._lineups.current.registry
            registry.retract(name)
            registry.report(name, f"its newest version was not loaded: {error.detail}")


def _stamps(registry: Registry) -> dict[str, Stamp]:
    """By name of a model, what tells whether it changed: path, size and time of every file of its versions."""
    folders: dict[str, list[Path]] = {}
    for repository in registry.repositories:
        for card in card_files(repository):
            folders.setdefault(card.relative_to(repository).parts[0], []).append(card.parent)
    pulled = registry.weights_dir
    return {name: _stamp([*found, *(pulled / name).glob("*")]) for name, found in folders.items()}


def _stamp(folders: Iterable[Path]) -> Stamp:
    found = []
    for path in (path for folder in folders for path in folder.glob("*")):
        try:
            facts = path.stat()
        except OSError:
            continue  # gone since it was listed
        if S_ISREG(facts.st_mode):
            found.append((str(path), facts.st_mtime_ns, facts.st_size))
    return tuple(sorted(found))
