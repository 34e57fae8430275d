"""The file of a catalogue: JSON lines, the vectors in them as base64 of little-endian float32; gzip where it ends so.

The first line says what generations there are, each following one is a track, the last one carries the number of
tracks and the SHA-256 of all lines before it. A file without that last line, or with another hash, is not read.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson

from sonotype.catalog.track import Draft, Metadata, Track, TrackEvidence, TrackLabel
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats

FORMAT = 1
_LEVEL = 1  # of gzip: vectors hardly shrink, whatever the effort
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ArchivedGeneration:
    """A generation as a file has it; the fields are those of `port.Generation`."""

    name: str
    embedding: str
    model_sha256: str
    dim: int


@dataclass(frozen=True, slots=True)
class Head:
    """The first line.

    Attributes:
        generations: oldest first.
        current: the one that searches use.
    """

    generations: tuple[ArchivedGeneration, ...]
    current: str | None


class ArchiveWriter:
    """Writes lines, and hashes them on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.tracks = 0

    def head(self, head: Head) -> None:
        """The first line."""
        generations = [asdict(one) for one in head.generations]
        self._line({"format": FORMAT, "generations": generations, "current": head.current})

    def track(self, track: Track, vectors: Mapping[str, Floats]) -> None:
        """A track with its vectors by the name of their generation."""
        packed = {name: base64.b64encode(vector.astype("<f4").tobytes()).decode() for name, vector in vectors.items()}
        self._line(asdict(track) | {"vectors": packed})
        self.tracks += 1

    def end(self) -> None:
        """The last line."""
        self._file.write(orjson.dumps({"tracks": self.tracks, "sha256": self._hash.hexdigest()}) + b"\n")

    def _line(self, value: Line) -> None:
        line = orjson.dumps(value) + b"\n"
        self._hash.update(line)
        self._file.write(line)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[ArchiveWriter]:
    """A file that appears under its name when it is whole and on the disk. Raises `insufficient_storage`."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"{path} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "wb") as raw:
            with _packed(raw, path) as file:
                writer = ArchiveWriter(file)
                yield writer
                writer.end()
            raw.flush()
            os.fsync(raw.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise SonotypeError(Code.INSUFFICIENT_STORAGE, f"{path} cannot be written: {error.strerror}.") from error
    finally:
        Path(name).unlink(missing_ok=True)


def check(path: Path) -> tuple[Head, int]:
    """Read a file once to its end: its first line, and how many tracks follow.

    Raises:
        SonotypeError: `invalid_request` where it is not a whole, unharmed file of a catalogue.
    """
    digest, first, last, count = hashlib.sha256(), b"", b"", 0
    for line in _lines(path):
        if last:
            digest.update(last)
        first, last, count = first or line, line, count + 1
    end = _parsed(last)
    if end.get("sha256") != digest.hexdigest() or end.get("tracks") != count - 2:
        raise _broken()
    return _head(_parsed(first)), count - 2


def drafts(path: Path) -> Iterator[Draft]:
    """The tracks of a file that `check` has found whole."""
    before: bytes | None = None
    for number, line in enumerate(_lines(path)):
        if number > 1 and before is not None:
            yield _draft(_parsed(before))
        before = line


def _packed(raw: IO[bytes], path: Path) -> contextlib.AbstractContextManager[IO[bytes]]:
    if path.suffix == ".gz":
        packed: Any = gzip.GzipFile("", "wb", _LEVEL, raw, 0)
        return contextlib.closing(packed)
    return contextlib.nullcontext(raw)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from file
    except (OSError, EOFError, zlib.error) as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"{path} cannot be read: it is missing or damaged.") from error


def _parsed(line: bytes) -> Line:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise _broken() from None
    if not isinstance(value, dict):
        raise _broken()
    return value


def _head(line: Line) -> Head:
    if line.get("format") != FORMAT:
        raise SonotypeError(Code.INVALID_REQUEST, f"The file is not a catalogue of format {FORMAT}.")
    try:
        return Head(tuple(ArchivedGeneration(**one) for one in line["generations"]), line["current"])
    except (KeyError, TypeError):
        raise _broken() from None


def _draft(line: Line) -> Draft:
    try:
        metadata = line["metadata"]
        return Draft(
            metadata=Metadata(**metadata | {"tags": tuple(metadata["tags"])}),
            vectors={name: _vector(packed) for name, packed in line["vectors"].items()},
            id=line["id"],
            content_sha256=line["content_sha256"],
            labels=tuple(TrackLabel(**one) for one in line["labels"]),
            evidence=tuple(TrackEvidence(**one) for one in line["evidence"]),
            source=line["source"],
            created_at=_time(line["created_at"]),
            updated_at=_time(line["updated_at"]),
        )
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise _broken() from None


def _vector(packed: str) -> Floats:
    return np.frombuffer(base64.b64decode(packed, validate=True), "<f4").astype(np.float32)


def _time(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError("a time without its zone")
    return when


def _broken() -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, "The file is cut off, damaged, or not a catalogue.")
