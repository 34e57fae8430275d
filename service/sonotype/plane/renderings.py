"""Renderings of prototypes as audio files: from memory, from disk, or made now, once for all who wait."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Iterable

import numpy as np

from sonotype.audio.encode import encode, to_pcm
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.plane.heads import PrototypeModel
from sonotype.plane.playback import AudioMemory, audio_file, rehearse
from sonotype.plane.prototypes import Prototype
from sonotype.plane.sonification import AudioFile, AudioFormat, Rendering
from sonotype.serving.cache.singleflight import SingleFlight
from sonotype.serving.sonify.lane import SonifyLane
from sonotype.serving.sonify.order import Order
from sonotype.serving.sonify.shelf import Shelf
from sonotype.telemetry import metrics

_log = logging.getLogger(__name__)
_MEMORY_BYTES = 32 * 2**20
_PAUSE_S = 5.0
# models that were served before and may come back keep their renderings
_SPARE_SHELVES = 4
# after these the next rendering may well succeed
_PASSING = (Code.UNAVAILABLE, Code.ITEM_FAILED, Code.CANCELLED)


class Renderings:
    """Makes, keeps and encodes the renderings of prototypes.

    Args:
        lane: where they are made.
        shelf: where they are kept, as FLAC.
        flights: lets all who want the same wait for one.
        timeout_s: of making one.
    """

    def __init__(self, lane: SonifyLane, shelf: Shelf, flights: SingleFlight, timeout_s: float) -> None:
        self._lane = lane
        self._shelf = shelf
        self._flights = flights
        self._timeout_s = timeout_s
        self._memory = AudioMemory(_MEMORY_BYTES)

    async def audio(self, prototype: Prototype, rendering: Rendering | None, audio_format: AudioFormat) -> AudioFile:
        """One rendering in one format; None takes the offered one.

        Raises:
            SonotypeError: `not_found` where the prototype has no such rendering, and the codes of the lane.
        """
        rendering = _checked(prototype, rendering)
        key = f"{_shelf_name(prototype.head)}/{_name(prototype, rendering)}.{audio_format}"
        file = self._memory.get(key)
        if file is None:
            source = await self._in_time(self._source(prototype, rendering, background=False))
            file = await asyncio.to_thread(audio_file, source, rendering, audio_format)
            self._memory.put(key, file)
        else:
            metrics.RENDERINGS.labels("memory").inc()
        return file

    async def warm(self, head: PrototypeModel, prototypes: Iterable[Prototype]) -> None:
        """Load the decoder of a model and make what is missing, whenever nobody else wants the lane.

        Raises:
            SonotypeError: the decoder cannot be loaded, or the service is shutting down.
        """
        await asyncio.to_thread(rehearse)
        await self._patiently(self._make(Order(head.card, head.folder, np.empty((0, 0), np.float32)), background=True))
        for prototype, rendering in _by_urgency(prototypes):
            shelf, name = _shelf_name(head), _name(prototype, rendering)
            if not await asyncio.to_thread(self._shelf.has, shelf, name):
                await self._patiently(self._source(prototype, rendering, background=True))

    async def tidy(self, heads: Iterable[PrototypeModel]) -> None:
        """Forget what was rendered for models that are no longer served, but for the last few of them."""
        removed = await asyncio.to_thread(self._shelf.tidy, {_shelf_name(head) for head in heads}, _SPARE_SHELVES)
        if removed:
            _log.info("removed the renderings of %d models that are not served any more", len(removed))

    @staticmethod
    async def _patiently(making: Awaitable[object]) -> None:
        """What fails in passing is made when it is asked for."""
        try:
            await making
        except SonotypeError as error:
            if error.code not in _PASSING:
                raise
            _log.warning("nothing was rendered: %s", error.detail)
            await asyncio.sleep(_PAUSE_S)

    async def _in_time(self, making: Awaitable[bytes]) -> bytes:
        """Who joins a rendering of the background, which has no deadline, has one all the same."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await making
        except TimeoutError:
            raise SonotypeError(Code.DEADLINE_EXCEEDED, "The deadline passed before the rendering was done.") from None

    async def _source(self, prototype: Prototype, rendering: Rendering, *, background: bool) -> bytes:
        """The file from which all formats are made: FLAC, or the Ogg of the model folder."""
        if rendering.kind == "segment":
            return await asyncio.to_thread(_read_segment, prototype)
        shelf, name = _shelf_name(prototype.head), _name(prototype, rendering)

        async def peek() -> bytes | None:
            return await asyncio.to_thread(self._shelf.get, shelf, name)

        async def make() -> bytes:
            samples = await self._make(_order(prototype, rendering), background=background)
            assert prototype.head.card.decoder is not None, "no decoder, no rendering. This is a bug."  # noqa: S101
            flac = await asyncio.to_thread(encode, to_pcm(samples), prototype.head.card.decoder.sample_rate_hz, "flac")
            await asyncio.to_thread(self._shelf.put, shelf, name, flac)
            metrics.RENDERINGS.labels("made").inc()
            return flac

        found = await peek()
        if found is not None:
            metrics.RENDERINGS.labels("disk").inc()
            return found
        return await self._flights.run(f"rendering:{shelf}:{name}", make, peek)

    async def _make(self, order: Order, *, background: bool) -> Floats:
        deadline = None if background else asyncio.get_running_loop().time() + self._timeout_s
        async with self._lane.open(order, deadline, background=background) as ticket:
            blocks = [block async for block in ticket]
        return np.concatenate([np.empty(0, np.float32), *blocks])


def _checked(prototype: Prototype, rendering: Rendering | None) -> Rendering:
    found = rendering or prototype.info.offered
    if found is None:
        raise SonotypeError(Code.NOT_FOUND, f"Nothing of {prototype.info.id} can be played.")
    if found not in prototype.info.renderings:
        detail = f"{prototype.info.id} has no rendering {found.kind!r} with seed {found.seed}."
        raise SonotypeError(Code.NOT_FOUND, detail)
    return found


def _shelf_name(head: PrototypeModel) -> str:
    """Everything that changes how a model's renderings sound: prototypes, decoder, steps, guidance."""
    decoder = head.card.decoder.model_dump(mode="json") if head.card.decoder else None
    text = json.dumps([head.card.weights.sha256, decoder], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _name(prototype: Prototype, rendering: Rendering) -> str:
    return f"{prototype.info.id}.{rendering.kind}.{_noise(prototype, rendering)}"


def _noise(prototype: Prototype, rendering: Rendering) -> int:
    """The seed of the noise: the one that the gate kept of several, else the seed of the rendering itself."""
    record = prototype.info.record
    badge = None if record is None else record.decoded_medoid if rendering.kind == "medoid" else record.prototype
    kept = {score.seed: score.noise for score in badge.scores} if badge else {}
    return kept.get(rendering.seed, rendering.seed)


def _order(prototype: Prototype, rendering: Rendering) -> Order:
    head = prototype.head
    points = head.classifier.medoids if rendering.kind == "medoid" else head.classifier.raw_prototypes()
    return Order(head.card, head.folder, points[prototype.index : prototype.index + 1], _noise(prototype, rendering))


def _by_urgency(prototypes: Iterable[Prototype]) -> list[tuple[Prototype, Rendering]]:
    """What is offered first, then the other seeds, then the medoids; segments need no making."""
    every = [(p, r) for p in prototypes for r in p.info.renderings if r.kind != "segment"]
    return sorted(every, key=lambda pair: (pair[1] != pair[0].info.offered, pair[1].kind == "medoid", pair[1].seed))


def _read_segment(prototype: Prototype) -> bytes:
    try:
        return prototype.segment.read_bytes()
    except OSError as error:
        raise SonotypeError(Code.NOT_FOUND, f"The segment of {prototype.info.id} is gone.") from error
