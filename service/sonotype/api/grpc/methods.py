"""What the methods of the catalogue have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sonotype.api.grpc.call import Call
from sonotype.api.grpc.errors import edge
from sonotype.core.settings import Settings
from sonotype.plane.catalog.port import CatalogPlane
from sonotype.plane.port import Plane

A = TypeVar("A")


class Methods:
    """Methods of a service on a plane. A call that its client cancels cancels the plane's work with it."""

    def __init__(self, plane: Plane, settings: Settings) -> None:
        self._plane = plane
        self._settings = settings

    @property
    def _catalog(self) -> CatalogPlane:
        return self._plane.catalog

    async def _answer(self, name: str, context: Any, work: Callable[[Call, str | None], Awaitable[A]]) -> A:
        """Run one call to its answer; `work` gets the call and the client's id."""
        call = Call(name, context)
        async with edge(call):
            return call.done(await work(call, call.client(self._plane)))
        raise AssertionError("unreachable: the edge ends every failed call")
