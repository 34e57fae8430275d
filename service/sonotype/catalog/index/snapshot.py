"""A snapshot: one file that holds a segment with its columns and vouches for every byte of itself.

    magic, version, length of the header | header (JSON) | columns | segment | length so far, CRC-32C so far, magic

The checksum is verified over the whole file before anything else of it is believed.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import google_crc32c
import numpy as np
import orjson

from sonotype.catalog.index.cells import Cells
from sonotype.catalog.index.segment import Segment
from sonotype.catalog.index.values import Booleans, Integers
from sonotype.core.types import Floats

VERSION = 1
_MAGIC = b"SNTINDEX"
_HEAD = struct.Struct("<8sII")
_FOOT = struct.Struct("<QI8s")
_PIECE = 8 << 20
_COLUMNS = (("rows", "<i8"), ("slots", "<i8"), ("alive", "?"), ("mean", "<f4"), ("std", "<f4"), ("stray", "?"))


class DamagedError(ValueError):
    """The file is not what was written."""


class NewerError(ValueError):
    """The file is whole, but a later release wrote it."""


@dataclass(frozen=True)
class Snapshot:
    """What a snapshot holds; columns are of shape [len(segment)].

    Attributes:
        segment: vectors and graph.
        rows: of the truth.
        slots: of the tracks.
        alive: not removed when it was taken.
        mean: of the cosines to the sample.
        std: of the same.
        stray: the graph does not lead to it.
        sample: shape [m, D].
        chosen_at: tracks there were when the sample was chosen.
        cells: coarse map of the segment.
    """

    segment: Segment
    rows: Integers
    slots: Integers
    alive: Booleans
    mean: Floats
    std: Floats
    stray: Booleans
    sample: Floats
    chosen_at: int
    cells: Cells


class _Summed:
    """A file that is written with a running checksum."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.length, self.crc = file, 0, 0

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self.length += len(data)
        self.crc = google_crc32c.extend(self.crc, data)
        return len(data)


def write(path: Path, snapshot: Snapshot) -> None:
    """Write the file and make it durable.

    Raises:
        OSError: the disk is full, or the folder cannot be written; an unfinished file may be left.
    """
    header = orjson.dumps(
        {
            "dim": snapshot.segment.dim,
            "positions": len(snapshot.segment),
            "sample": len(snapshot.sample),
            "checked": snapshot.segment.checked,
            "chosen_at": snapshot.chosen_at,
            "cells": len(snapshot.cells.centres),
            "divided_at": snapshot.cells.divided_at,
        }
    )
    with path.open("wb") as file:
        out = _Summed(file)
        out.write(_HEAD.pack(_MAGIC, VERSION, len(header)) + header)
        for name, kind in _COLUMNS:
            out.write(np.ascontiguousarray(getattr(snapshot, name), kind).tobytes())
        out.write(np.ascontiguousarray(snapshot.sample, "<f4").tobytes())
        out.write(np.ascontiguousarray(snapshot.cells.centres, "<f4").tobytes())
        out.write(np.ascontiguousarray(snapshot.cells.of, "<i2").tobytes())
        snapshot.segment.write(out.write)
        file.write(_FOOT.pack(out.length, out.crc, _MAGIC))
        file.flush()
        os.fsync(file.fileno())


def read(path: Path, dim: int) -> Snapshot:
    """Read a snapshot of vectors of length `dim`.

    Raises:
        DamagedError: truncated, altered, or of another dimension.
        NewerError: written by a later release.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        verify(file)
        file.seek(0)
        _, version, length = _HEAD.unpack(file.read(_HEAD.size))
        if version > VERSION:
            raise NewerError(f"format {version}, and this release reads up to {VERSION}")
        try:
            return _parse(file, orjson.loads(file.read(length)), dim)
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedError(f"not a snapshot that fits: {error}") from error


def is_ours(path: Path) -> bool:
    """Whether a file looks like one that this release may have written and may thus delete."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
    return len(head) == _HEAD.size and head.startswith(_MAGIC) and _HEAD.unpack(head)[1] <= VERSION


def verify(file: IO[bytes]) -> None:
    """Compare the whole file with its footer. Raises `DamagedError`."""
    length = file.seek(0, os.SEEK_END) - _FOOT.size
    if length < _HEAD.size:
        raise DamagedError("too short")
    file.seek(length)
    expected, crc, magic = _FOOT.unpack(file.read(_FOOT.size))
    if magic != _MAGIC or expected != length:
        raise DamagedError("it does not end as it should")
    file.seek(0)
    actual, left = 0, length
    while left:
        piece = file.read(min(_PIECE, left))
        actual, left = google_crc32c.extend(actual, piece), left - len(piece)
    if actual != crc:
        raise DamagedError("the checksum does not fit")


def _parse(file: IO[bytes], header: dict[str, int], dim: int) -> Snapshot:
    if header["dim"] != dim:
        raise ValueError(f"vectors of {header['dim']} dimensions instead of {dim}")
    count = header["positions"]
    columns = {name: np.fromfile(file, kind, count) for name, kind in _COLUMNS}
    sample = np.fromfile(file, "<f4", header["sample"] * dim).reshape(-1, dim)
    centres = np.fromfile(file, "<f4", header["cells"] * dim).reshape(-1, dim)
    cells = Cells(centres, np.fromfile(file, "<i2", count if header["cells"] else 0), header["divided_at"])
    segment = Segment.read(file.read)
    segment.checked = header["checked"]
    if len(segment) != count or segment.dim != dim:
        raise ValueError("columns and vectors are not as many")
    if np.any(np.diff(columns["rows"]) <= 0):
        raise ValueError("rows do not ascend")
    return Snapshot(segment=segment, sample=sample, chosen_at=header["chosen_at"], cells=cells, **columns)
