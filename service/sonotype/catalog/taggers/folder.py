"""The folder of a tagger: what it was made of and its fitted set, written once and vouched for by a checksum."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from safetensors import SafetensorError
from safetensors.numpy import load, save

from sonotype.catalog.taggers.values import About, Base
from sonotype.models.weights.base import sync_folder

ABOUT, SET, LOG = "tagger.json", "set.safetensors", "changes.log"
_FORMAT = 1
_TYPES = {"vectors": "<f4", "said": "i1", "part_of": "<i8", "splits": "<i8", "leaves": "<i8"}


class DamagedFolderError(ValueError):
    """The files are not what was written."""


def write(folder: Path, about: About, base: Base) -> None:
    """Write a new folder and make it durable; it must not be there yet. Raises `OSError`."""
    folder.mkdir()
    data = save({name: np.ascontiguousarray(getattr(base, name), kind) for name, kind in _TYPES.items()})
    described = asdict(about) | {"format": _FORMAT, "ids": base.ids, "set_sha256": hashlib.sha256(data).hexdigest()}
    _write(folder / SET, data)
    body = orjson.dumps(described)
    _write(folder / ABOUT, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    _write(folder / LOG, b"")
    sync_folder(folder)


def read(folder: Path) -> tuple[About, Base]:
    """Read a folder. Raises `DamagedFolderError`, `OSError`."""
    fields = _described(folder)
    data = (folder / SET).read_bytes()
    if hashlib.sha256(data).hexdigest() != fields.pop("set_sha256"):
        raise DamagedFolderError(f"{SET} does not fit its checksum")
    if fields.pop("format") != _FORMAT:
        raise DamagedFolderError("a later release wrote it")
    ids = tuple(fields.pop("ids"))
    try:
        arrays = load(data)
    except SafetensorError as error:
        raise DamagedFolderError(f"{SET} cannot be read") from error
    return _about(fields), Base(ids, **{name: arrays[name] for name in _TYPES})


def about(folder: Path) -> About:
    """What a tagger was made of, without its set. Raises as `read`."""
    fields = _described(folder)
    for name in ("format", "ids", "set_sha256"):
        del fields[name]
    return _about(fields)


def _described(folder: Path) -> dict[str, Any]:
    digest, _, body = (folder / ABOUT).read_bytes().partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise DamagedFolderError(f"{ABOUT} does not fit its checksum")
    fields: dict[str, Any] = orjson.loads(body)
    return fields


def _about(fields: dict[str, Any]) -> About:
    created_at = datetime.fromisoformat(fields["created_at"])
    return About(**fields | {"labels": tuple(fields["labels"]), "created_at": created_at})


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
