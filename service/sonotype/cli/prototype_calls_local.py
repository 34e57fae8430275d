"""Calls that are answered by a plane in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sonotype.api.http.render_prototypes import prototype_body, prototypes_body
from sonotype.api.prototypes import say_rendering, view_prototype, view_prototypes
from sonotype.api.sonify import AudioParams, SonifyBody
from sonotype.cli.document import Document
from sonotype.cli.local import open_plane
from sonotype.cli.prototype_calls import Sound
from sonotype.cli.wiring import Wiring
from sonotype.core.settings import Settings
from sonotype.core.types import Upload
from sonotype.plane.port import Plane


class LocalCalls:
    """Implements `Calls`."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    async def prototypes(self, model: str | None, label: str | None) -> Document:
        """List prototypes."""
        return prototypes_body(view_prototypes(self._plane, model, label))

    async def prototype(self, prototype_id: str) -> Document:
        """Describe one prototype."""
        return prototype_body(view_prototype(self._plane.prototype(prototype_id)))

    @asynccontextmanager
    async def audio(self, prototype_id: str, params: AudioParams) -> AsyncIterator[Sound]:
        """Render a prototype."""
        file = await self._plane.prototype_audio(prototype_id, params.rendering(), params.format)
        facts = {"id": prototype_id, "rendering": say_rendering(file.rendering), "duration_s": file.duration_s}
        yield Sound(facts, len(file.data), _once(file.data))

    @asynccontextmanager
    async def sonify(self, body: SonifyBody, upload: Upload | None) -> AsyncIterator[Sound]:
        """Generate audio."""
        async with self._plane.sonify(body.query(has_upload=upload is not None), upload) as made:
            segments = zip(made.labels, made.scores, strict=True)
            facts = {
                "model": made.model,
                "seed": body.seed,
                "sample_rate_hz": made.sample_rate_hz,
                "duration_s": made.n_samples / made.sample_rate_hz,
                "segments": [{"label": label, "score": round(score, 6)} for label, score in segments],
            }
            yield Sound(facts, made.n_bytes, made.chunks)


@asynccontextmanager
async def open_local(wired: Wiring) -> AsyncIterator[LocalCalls]:
    """A plane in this process, for as long as the context is open."""
    async with open_plane(wired, Settings()) as plane:
        yield LocalCalls(plane)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
