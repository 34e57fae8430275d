"""Open the catalogue beside the service, so that probes are answered and uploads analysed while a big one loads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.catalog.assembly import OpenCatalog
from sonotype.plane.catalog.port import CatalogPlane, CatalogState
from sonotype.plane.catalog.tagger_models import TaggerModels

_log = logging.getLogger(__name__)
RETRY_S = 5.0

Open = Callable[[], AbstractAsyncContextManager[OpenCatalog]]


class CatalogDoor:
    """The catalogue of a plane, as far as it is open.

    Args:
        opening: opens it and closes it again; None where the plane is to have none.
        retry_s: seconds until a failed opening is tried again: another process may hold it, an engine may be away.
    """

    def __init__(self, opening: Open | None, retry_s: float = RETRY_S) -> None:
        self._opening = opening
        self._retry_s = retry_s
        self._opened: OpenCatalog | None = None
        self._error: SonotypeError | None = None
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stack = AsyncExitStack()

    @property
    def plane(self) -> CatalogPlane:
        """The catalogue. Raises `unavailable` where it is not open."""
        if self._opened is not None:
            return self._opened.service
        if self._opening is None:
            raise SonotypeError(Code.UNAVAILABLE, "This process was started without its catalogue.")
        detail = f"The catalogue is not open: {self._error.detail}" if self._error else "The catalogue is being opened."
        raise SonotypeError(Code.UNAVAILABLE, detail, retry_after_s=self._retry_s)

    def taggers(self) -> TaggerModels:
        """The taggers as models. Raises `unavailable` where the catalogue is not open, or their files are not."""
        if self._opened is None:
            _ = self.plane  # says why
        elif self._opened.taggers is not None:
            return self._opened.taggers
        raise SonotypeError(Code.UNAVAILABLE, "The files of the taggers cannot be opened; the log says why.")

    @property
    def has_taggers(self) -> bool:
        """Whether `taggers` gives them now."""
        return self._opened is not None and self._opened.taggers is not None

    @property
    def state(self) -> CatalogState:
        """Where it stands, as probes are told."""
        if self._opened is not None:
            return self._opened.watch.state
        if self._opening is None:
            return "none"
        return "away" if self._error else "opening"

    @property
    def problems(self) -> tuple[str, ...]:
        """What is amiss, for people."""
        if self._opened is not None:
            return self._opened.watch.problems
        return (self._error.detail,) if self._error else ()

    def start(self) -> None:
        """Open it in the background, again and again until it is open."""
        if self._opening is not None:
            self._task = asyncio.create_task(self._persist(self._opening), name="open-catalogue")

    async def wait(self) -> None:
        """Wait until it is open, if there is to be one. Raises the `SonotypeError` of the first attempt."""
        if self._opening is not None:
            await self._tried.wait()
        if self._error is not None:
            raise self._error

    async def aclose(self) -> None:
        """Close it, or stop opening it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._opened = None
        await self._stack.aclose()

    async def _persist(self, opening: Open) -> None:
        while self._opened is None:
            try:
                self._opened = await self._stack.enter_async_context(opening())
                self._error = None
            except SonotypeError as error:
                self._failed(error)
            except Exception:  # noqa: BLE001 - background job: the service analyses without its catalogue
                _log.exception("the catalogue cannot be opened")
                self._failed(SonotypeError(Code.INTERNAL, "its files or its engine cannot be read; the log says more."))
            self._tried.set()
            if self._opened is None:
                await asyncio.sleep(self._retry_s)

    def _failed(self, error: SonotypeError) -> None:
        if self._error is None or error.detail != self._error.detail:
            _log.error("the catalogue is not open: %s", error.detail)
        self._error = error
