"""Ids of prototypes: `<model>.<class>.<number>`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence


def slug(label: str) -> str:
    """A label in lower-case ASCII letters, digits and hyphens; empty where nothing of it is left."""
    ascii_only = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")


def prototype_ids(model: str, labels: Sequence[str], owners: Iterable[int]) -> tuple[str, ...]:
    """The id of each prototype; labels that would share a slug, or have none, get their index appended."""
    slugs = [slug(label) for label in labels]
    unique = [s if s and slugs.count(s) == 1 else f"{s or 'class'}-{index}" for index, s in enumerate(slugs)]
    seen = [0] * len(slugs)
    ids = []
    for owner in owners:
        ids.append(f"{model}.{unique[owner]}.{seen[owner]}")
        seen[owner] += 1
    return tuple(ids)
