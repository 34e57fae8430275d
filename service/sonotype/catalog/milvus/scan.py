"""Walks over many rows. Milvus gives rows in no order and at most 16 384 at once, so walks go window by window."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sonotype.catalog.milvus.client import Client
from sonotype.catalog.milvus.facts import DRAWS
from sonotype.catalog.milvus.filters import both

Row = dict[str, Any]
_GROWTH = 4
_BLOCK_ROWS = 4096
_MOST_ROWS = 16_384


class Walk:
    """Rows in the order of a whole-number field, from `start` to before `end`.

    The width of a window follows the density of the rows: one that overflows is counted and divided, one that comes
    up short is widened. Rows that share a number never share a window's border, so none is lost or given twice.

    Args:
        client: of the engine.
        collection: to walk over.
        field: to order by; ties are ordered by id.
        expression: rows that count.
        fields: to read of each.
        wanted: rows that a window should bring.
    """

    def __init__(
        self, client: Client, collection: str, field: str, expression: str, *, fields: Sequence[str], wanted: int
    ) -> None:
        self._client = client
        self._collection = collection
        self._field = field
        self._expression = expression
        self._fields = [*fields, field]
        self._wanted = wanted
        self.width = 0

    async def rows(self, start: int, end: int, width: int = 0) -> AsyncIterator[list[Row]]:
        """Blocks of rows, each in order; `width` is a first guess, of an earlier walk."""
        self.width = width or end - start
        while start < end:
            stop = min(start + self.width, end)
            rows = await self._window(start, stop)
            if len(rows) > self._limit and stop - start > 1:
                self.width = await self._narrower(start, stop)
                continue
            yield sorted(rows, key=lambda row: (row[self._field], row["id"]))
            if len(rows) < max(1, self._wanted // 2):
                self.width = min(self.width * _GROWTH, end)
            start = stop

    @property
    def _limit(self) -> int:
        return min(4 * self._wanted, _MOST_ROWS - 1)

    async def _window(self, start: int, stop: int) -> list[Row]:
        inside = both(self._expression, f"{self._field} >= {start} and {self._field} < {stop}")
        return await self._client.query(self._collection, inside, self._fields, self._limit + 1)

    async def _narrower(self, start: int, stop: int) -> int:
        inside = both(self._expression, f"{self._field} >= {start} and {self._field} < {stop}")
        count = max(1, await self._client.count(self._collection, inside))
        return max(1, min((stop - start) // 2, (stop - start) * self._wanted // count))


async def blocks(
    client: Client, collection: str, expression: str, fields: Sequence[str], wanted: int = _BLOCK_ROWS
) -> AsyncIterator[list[Row]]:
    """Every row of a collection, in blocks and in the fixed random order of `draw`."""
    walk = Walk(client, collection, "draw", expression, fields=fields, wanted=min(wanted, _BLOCK_ROWS))
    width = DRAWS * wanted // max(wanted, await client.count(collection))
    async for rows in walk.rows(0, DRAWS, width):
        if rows:
            yield rows


async def drawn(
    client: Client, collection: str, expression: str, fields: Sequence[str], *, count: int, start: int = 0
) -> list[Row]:
    """`count` rows in the order of `draw`, from a starting point on and around: the same ones every time."""
    taken: list[Row] = []
    for low, high in ((start, DRAWS), (0, start)):
        walk = Walk(client, collection, "draw", expression, fields=fields, wanted=max(count, 16))
        if low < high and len(taken) < count:
            async for rows in walk.rows(low, high):
                taken += rows
                if len(taken) >= count:
                    break
    return taken[:count]
