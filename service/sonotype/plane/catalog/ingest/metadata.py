"""The metadata of a file: what its list, its tags and its name say, cut to what the catalogue takes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from sonotype.catalog.track import Metadata
from sonotype.plane.catalog import limits
from sonotype.plane.catalog.ingest.names import external_id

_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NAMES = ("title", "artist", "album")


def metadata_of(
    collection: str, path: str, *, given: Mapping[str, Any], tags: Mapping[str, Any], fallback: Mapping[str, Any]
) -> tuple[Metadata, list[str]]:
    """Metadata that the catalogue accepts.

    Args:
        collection: of the job.
        path: where its external id comes from.
        given: by a manifest; beats everything. Its collection and external id are left as they are, for a track
            that is stored elsewhere than asked would be worse than one that is refused.
        tags: of the file.
        fallback: by a playlist.

    Returns:
        The metadata, and a note on everything that was cut or dropped.
    """
    notes: list[str] = []
    known = {**fallback, **tags, **given}
    fields: dict[str, Any] = {name: _name(known.get(name), name, notes) for name in _NAMES}
    fields |= {name: _valid(known.get(name), check, name, notes) for name, check in _CHECKS.items()}
    fields["tags"] = _tags(known.get("tags") or (), notes)
    fields["extra"] = _extra(known.get("extra") or {}, notes)
    where, name = known.get("collection") or collection, known.get("external_id") or external_id(path)
    return Metadata(collection=where, external_id=name, **fields), notes


def _name(text: Any, field: str, notes: list[str]) -> str | None:
    clean = " ".join(_NO_TEXT.sub("", str(text or "")).split())
    return _cut(clean, limits.MAX_NAME, field, notes) or None


def _cut(text: str, longest: int, field: str, notes: list[str]) -> str:
    if len(text) > longest:
        notes.append(f"{field} was cut to {longest} characters")
    return text[:longest].strip()


def _valid(value: Any, check: Callable[[Any], Any], field: str, notes: list[str]) -> Any:
    if value is None:
        return None
    found = check(value)
    if found is None:
        notes.append(f"{field} was dropped, as it is not valid")
    return found


def _year(value: Any) -> int | None:
    return int(value) if 1 <= value <= limits.MAX_YEAR else None


def _duration(value: Any) -> float | None:
    return float(value) if math.isfinite(value) and 0 <= value <= limits.MAX_DURATION_S else None


def _tempo(value: Any) -> float | None:
    return float(value) if math.isfinite(value) and 1 <= value <= limits.MAX_TEMPO_BPM else None


def _mbid(value: Any) -> str | None:
    text = str(value).strip().lower()
    return text if limits.MBID.fullmatch(text) else None


def _isrc(value: Any) -> str | None:
    text = str(value).strip().upper().replace("-", "")
    return text if limits.ISRC.fullmatch(text) else None


_CHECKS = {"year": _year, "duration_s": _duration, "tempo_bpm": _tempo, "mbid": _mbid, "isrc": _isrc}


def _tags(texts: Any, notes: list[str]) -> tuple[str, ...]:
    tidy = (" ".join(_NO_TEXT.sub("", str(text)).lower().split()) for text in texts)
    cut = dict.fromkeys(_cut(text, limits.MAX_TAG, "a tag", notes) for text in tidy if text)
    if len(cut) > limits.MAX_TAGS:
        notes.append(f"only {limits.MAX_TAGS} tags were kept")
    return tuple(cut)[: limits.MAX_TAGS]


def _extra(extra: Mapping[str, Any], notes: list[str]) -> Mapping[str, Any]:
    if len(json.dumps(extra, ensure_ascii=False).encode("utf-8", "replace")) <= limits.MAX_EXTRA_BYTES:
        return extra
    notes.append(f"extra was dropped, as it has more than {limits.MAX_EXTRA_BYTES} bytes")
    return {}
