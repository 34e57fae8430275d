"""Open the catalogue beside the service, so that probes are answered and uploads analysed while a big one loads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog.port import CatalogPlane

_log = logging.getLogger(__name__)
RETRY_S = 5.0

Open = Callable[[], AbstractAsyncContextManager[CatalogPlane]]


class CatalogDoor:
    """The catalogue of a plane, as far as it is open.

    Args:
        opening: opens it and closes it again; None where the plane is to have none.
        retry_s: seconds until a failed opening is tried again: another process may hold it, an engine may be away.
    """

    def __init__(self, opening: Open | None, retry_s: float = RETRY_S) -> None:
        self._opening = opening
        self._retry_s = retry_s
        self._plane: CatalogPlane | None = None
        self._task: asyncio.Task[None] | None = None
        self._stack = AsyncExitStack()
        self.problem: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether there is to be a catalogue at all."""
        return self._opening is not None

    @property
    def plane(self) -> CatalogPlane:
        """The catalogue. Raises `unavailable` where it is not open."""
        if self._plane is not None:
            return self._plane
        if self._opening is None:
            raise SonotypeError(Code.UNAVAILABLE, "This process was started without its catalogue.")
        detail = f"The catalogue cannot be opened: {self.problem}" if self.problem else "The catalogue is being opened."
        raise SonotypeError(Code.UNAVAILABLE, detail, retry_after_s=self._retry_s)

    @property
    def opened(self) -> CatalogPlane | None:
        """The catalogue, if it is open."""
        return self._plane

    async def open(self) -> None:
        """Open it now. Raises `SonotypeError`."""
        if self._opening is not None:
            self._plane = await self._stack.enter_async_context(self._opening())
            self.problem = None

    def start(self) -> None:
        """Open it in the background, again and again until it is open."""
        if self._opening is not None:
            self._task = asyncio.create_task(self._persist(), name="open-catalogue")

    async def aclose(self) -> None:
        """Close it, or stop opening it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._plane = None
        await self._stack.aclose()

    async def _persist(self) -> None:
        while self._plane is None:
            try:
                await self.open()
            except SonotypeError as error:
                self._failed(error.detail)
            except Exception:  # noqa: BLE001 - background job: the service analyses without its catalogue
                _log.exception("the catalogue cannot be opened")
                self._failed("see the log.")
            if self._plane is None:
                await asyncio.sleep(self._retry_s)

    def _failed(self, problem: str) -> None:
        if problem != self.problem:
            _log.error("the catalogue cannot be opened: %s", problem)
        self.problem = problem
