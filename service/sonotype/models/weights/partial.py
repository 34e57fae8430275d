"""The part of a file that has arrived so far, and what it takes to ask for the rest of the same file.

The bytes lie in `<target>.part`; beside them, `<target>.part.json` keeps the address they came from and the validator
(a strong ETag, or else the date) that the server gave.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sonotype.models.weights.base import move_into_place


@dataclass(frozen=True, slots=True)
class Partial:
    """What has arrived of the file `target` from `url`."""

    target: Path
    url: str

    @property
    def path(self) -> Path:
        """The bytes so far."""
        return self.target.with_name(self.target.name + ".part")

    @property
    def _notes(self) -> Path:
        return self.target.with_name(self.target.name + ".part.json")

    def resume_point(self) -> tuple[int, dict[str, str]]:
        """Number of bytes we have of this very file, and the headers that ask for the rest.

        Without a validator the bytes are worth nothing: the file may have changed in between.
        """
        validator = self._validator()
        offset = self.path.stat().st_size if validator and self.path.exists() else 0
        return offset, {"Range": f"bytes={offset}-", "If-Range": validator} if offset else {}

    def begin(self, etag: str, last_modified: str) -> None:
        """Start anew with what the server says about its file. A weak ETag does not promise equal bytes."""
        self.discard()
        validator = last_modified if not etag or etag.startswith("W/") else etag
        self._notes.write_text(json.dumps({"url": self.url, "validator": validator}), encoding="utf-8")

    def finish(self) -> None:
        """Give the complete file its name."""
        move_into_place(self.path, self.target)
        self.discard()

    def discard(self) -> None:
        """Forget what has arrived."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def _validator(self) -> str:
        try:
            notes = json.loads(self._notes.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        if not isinstance(notes, dict) or notes.get("url") != self.url:
            return ""
        return str(notes.get("validator", ""))
