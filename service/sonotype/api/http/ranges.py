"""Byte ranges and validators of RFC 9110 (sections 13 and 14), as pure functions."""

from __future__ import annotations

import re

from sonotype.core.errors import Code, SonotypeError

# 18 digits hold any length there is; what is longer is not taken for a range at all
_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*")


def wanted_range(header: str | None, n_bytes: int) -> tuple[int, int] | None:
    """The one range that is asked for, as start and end (exclusive).

    None means the whole: no header, another unit, a malformed header, or several ranges, which a server may answer
    with the whole (section 14.2).

    Raises:
        SonotypeError: `range_not_satisfiable` where the range lies outside the resource.
    """
    found = _RANGE.fullmatch(header) if header else None
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, n_bytes - int(last)), n_bytes
    else:
        start, end = int(first), min(int(last) + 1, n_bytes) if last else n_bytes
        if last and int(last) < start:
            return None
    if start >= n_bytes or start >= end:
        raise SonotypeError(Code.RANGE_NOT_SATISFIABLE, f"The resource has {n_bytes} bytes.")
    return start, end


def is_known(header: str | None, etag: str) -> bool:
    """Whether `If-None-Match` names the etag; compared weakly, as section 13.1.2 says."""
    if header is None:
        return False
    offered = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return header.strip() == "*" or etag in offered


def may_be_partial(if_range: str | None, etag: str) -> bool:
    """Whether a range may be served under `If-Range`: strong comparison; a date never matches, for we send none."""
    return if_range is None or if_range.strip() == etag
