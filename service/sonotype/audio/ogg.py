"""Ogg pages: where one link of a chained stream ends and the next begins, and whether the last one is whole.

Decoders disagree on chains: libsndfile stops after the first link, libav joins them and forgets to trim the
second. So each link is cut out here and decoded as a file of its own.

Source: RFC 3533 (page header: version, flags with bit 2 first page and bit 4 last page, segment table).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FIRST, _LAST = 2, 4
_CAPTURE = re.compile(rb"OggS\0")


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a chain: `start` and `end` in bytes; `complete` if every stream in it has its last page."""

    start: int
    end: int
    complete: bool


def links(data: memoryview) -> list[Link]:
    """Cut an Ogg file into its links: a first page after pages that are not opens a new one.

    Args:
        data: the whole file.

    Returns:
        At least one link; bytes that are no pages belong to the link before them.
    """
    found: list[Link] = []
    start, opened, ended, body = 0, set[int](), set[int](), False
    for at, flags, serial, whole in _pages(data):
        if flags & _FIRST and body:
            found.append(Link(start, at, opened <= ended))
            start, opened, ended, body = at, set(), set(), False
        opened.add(serial)
        body = body or not flags & _FIRST
        if flags & _LAST and whole:
            ended.add(serial)
    found.append(Link(start, len(data), bool(opened) and opened <= ended))
    return found


def _pages(data: memoryview) -> Iterator[tuple[int, int, int, bool]]:
    """Yield (offset, flags, serial number, whole) of every page, stepping over damage."""
    at = 0
    while at + 27 <= len(data):
        if bytes(data[at : at + 5]) != b"OggS\0":
            match = _CAPTURE.search(data, at + 1)
            if match is None:
                return
            at = match.start()
            continue
        segments = data[at + 27 : at + 27 + data[at + 26]]
        end = at + 27 + data[at + 26] + sum(segments)
        yield at, data[at + 5], int.from_bytes(data[at + 14 : at + 18], "little"), end <= len(data)
        at = end
