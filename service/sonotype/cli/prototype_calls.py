"""What the commands about prototypes ask for, in this process or of a running service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from sonotype.api.sonify import AudioParams, SonifyBody
from sonotype.cli.document import Document
from sonotype.core.types import Upload


@dataclass(frozen=True, slots=True)
class Sound:
    """Audio on its way.

    Attributes:
        facts: what is known of it before its first byte, for the user.
        n_bytes: its length, where it is known.
        chunks: its bytes in order.
    """

    facts: Document
    n_bytes: int | None
    chunks: AsyncIterator[bytes] = field(repr=False)


class Calls(Protocol):
    """The documents are those of the REST API, wherever they come from."""

    async def prototypes(self, model: str | None, label: str | None) -> Document:
        """The body of `GET /v1/prototypes`. Raises `SonotypeError`."""

    async def prototype(self, prototype_id: str) -> Document:
        """The body of `GET /v1/prototypes/{id}`. Raises `SonotypeError`."""

    def audio(self, prototype_id: str, params: AudioParams) -> AbstractAsyncContextManager[Sound]:
        """One rendering of a prototype. Raises `SonotypeError`."""

    def sonify(self, body: SonifyBody, upload: Upload | None) -> AbstractAsyncContextManager[Sound]:
        """Audio that is generated now. Raises `SonotypeError`, under way as well."""
