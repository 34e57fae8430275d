"""Generate audio from an embedding, an upload, a mixture of prototypes or a path, and stream it as it is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from sonotype.audio.encode import StreamEncoder, media_type, to_pcm, wav_bytes
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, Upload
from sonotype.models.pooling import pooled
from sonotype.plane.analyze import Analyzer
from sonotype.plane.deployment import Model
from sonotype.plane.heads import Head, PrototypeModel
from sonotype.plane.lineup import Lineup
from sonotype.plane.lineups import Lineups
from sonotype.plane.query import AnalyzeQuery
from sonotype.plane.sonification import Sonified, SonifyQuery
from sonotype.plane.starts import check_query, from_embedding, from_label, from_mixture, points_of, winners
from sonotype.serving.admission import Admission
from sonotype.serving.sonify.lane import SonifyLane
from sonotype.serving.sonify.order import Order
from sonotype.serving.sonify.ticket import Ticket


class Sonification:
    """The sonify use case.

    Args:
        lineups: what is served.
        analyzer: embeds uploads.
        lane: where audio is made.
        admission: holds the quotas of the clients, which count generated audio too.
        deadline_s: default and largest deadline.
    """

    def __init__(
        self,
        lineups: Lineups,
        analyzer: Analyzer,
        lane: SonifyLane,
        admission: Admission,
        *,
        deadline_s: float,
    ) -> None:
        self._lineups = lineups
        self._analyzer = analyzer
        self._lane = lane
        self._admission = admission
        self._deadline_s = deadline_s

    @asynccontextmanager
    async def open(self, query: SonifyQuery, upload: Upload | None) -> AsyncIterator[Sonified]:
        """Plan, queue and wait for the first samples; leaving the context abandons what is not done.

        Raises:
            SonotypeError: any code of the table; after the first samples from `chunks`.
        """
        check_query(query, has_upload=upload is not None)
        deadline = self._deadline(query)
        with self._lineups.lease() as lineup:
            head = _head(lineup, query)
            self._lane.check()  # before an upload is analysed for it
            start = await self._start(head, query, upload)
        points = await asyncio.to_thread(points_of, head, query, start)
        labels, scores = winners(head, points)
        order = Order(head.card, head.folder, points, query.seed, query.steps, query.guidance)
        self._lane.check()  # what is refused costs nothing
        async with self._paid(order, query.client, deadline) as ticket:
            # the first samples are waited for here, so that what goes wrong before them is an answer of its own
            chunks = _encoded(ticket, await anext(ticket), order, query.format)
            try:
                yield Sonified(
                    model=head.card.address,
                    sample_rate_hz=_rate_hz(order),
                    n_samples=order.n_samples,
                    labels=labels,
                    scores=scores,
                    media_type=media_type(query.format),
                    n_bytes=wav_bytes(order.n_samples) if query.format == "wav" else None,
                    chunks=chunks,
                )
            finally:
                await chunks.aclose()

    @asynccontextmanager
    async def _paid(self, order: Order, client: str | None, deadline: float) -> AsyncIterator[Ticket]:
        """Queue an order that its client pays for; what fails to be made is given back, what nobody stayed for not."""
        self._admission.charge(order.n_samples / _rate_hz(order), client)
        made = 0
        try:
            async with self._lane.open(order, deadline) as ticket:
                try:
                    yield ticket
                finally:
                    made = ticket.n_samples
        except SonotypeError as error:
            if error.code is not Code.CANCELLED:
                self._admission.refund((order.n_samples - made) / _rate_hz(order), client)
            raise

    def _deadline(self, query: SonifyQuery) -> float:
        timeout_s = self._deadline_s if query.timeout_s is None else min(query.timeout_s, self._deadline_s)
        if timeout_s <= 0:
            raise SonotypeError(Code.DEADLINE_EXCEEDED, "The deadline passed before the work began.")
        return asyncio.get_running_loop().time() + timeout_s

    async def _start(self, head: PrototypeModel, query: SonifyQuery, upload: Upload | None) -> Floats:
        if upload is not None:
            return await self._embed(head, query, upload)
        if query.embedding is not None:
            return from_embedding(head, query.embedding)
        if query.mixture:
            return from_mixture(head, query.mixture)
        assert query.path is not None, "check_query lets nothing else pass"  # noqa: S101
        assert query.path.from_label is not None, "check_query lets nothing else pass"  # noqa: S101
        return from_label(head, query.path.from_label)

    async def _embed(self, head: PrototypeModel, query: SonifyQuery, upload: Upload) -> Floats:
        """What the model keeps of an upload: the mean of its patches' embeddings, shape [D]."""
        asked = AnalyzeQuery(
            models=(head.backbone.address,),
            embedding_scope="patches",
            timeout_s=query.timeout_s,
            client=query.client,
        )
        analysis = await self._analyzer.analyze(upload, asked)
        result = analysis.results[0]
        return pooled(result.patch_embeddings[head.embedding], result.patches)


def _head(lineup: Lineup, query: SonifyQuery) -> PrototypeModel:
    """The model asked for: the one named, that of the prototypes of a mixture, or the first that can."""
    if query.model:
        return _able(lineup.find(query.model))
    owner = query.mixture[0][0].partition(".")[0] if query.mixture else None
    heads = lineup.deployment.prototype_models
    able = [head for head in heads if head.can_sonify and owner in (None, head.card.name)]
    if able:
        return able[0]
    if owner is not None:
        raise SonotypeError(Code.NOT_FOUND, f"There is no prototype {query.mixture[0][0][:200]!r} to be heard.")
    raise SonotypeError(Code.MODEL_NOT_FOUND, "No model with a decoder is served.")


def _able(model: Model) -> PrototypeModel:
    if not isinstance(model, PrototypeModel):
        card = model.card if isinstance(model, Head) else model
        kind = "transfer head" if isinstance(model, Head) else "network"
        raise SonotypeError(Code.INVALID_REQUEST, f"{card.name} is a {kind}; only prototype models can be heard.")
    if model.card.decoder is None:
        raise SonotypeError(Code.INVALID_REQUEST, f"{model.card.name} has no decoder, so nothing can be heard.")
    if not model.can_sonify:
        raise SonotypeError(Code.WEIGHTS_MISSING, f"The decoder of {model.card.name} is not here.")
    return model


def _rate_hz(order: Order) -> int:
    assert order.card.decoder is not None, "no decoder, no order. This is a bug."  # noqa: S101
    return order.card.decoder.sample_rate_hz


async def _encoded(
    blocks: AsyncIterator[Floats], first: Floats, order: Order, audio_format: str
) -> AsyncGenerator[bytes, None]:
    """The bytes of a format, as the blocks come; encoding runs in a thread."""
    encoder = await asyncio.to_thread(StreamEncoder, audio_format, _rate_hz(order), order.n_samples)
    block, left = first, order.n_samples - len(first)
    while left > 0:
        if ready := await asyncio.to_thread(encoder.encode, to_pcm(block)):
            yield ready
        block = await anext(blocks)
        left -= len(block)
    # the end goes with the last samples: a client that knows the length leaves when it has it
    yield await asyncio.to_thread(lambda: encoder.encode(to_pcm(block)) + encoder.finish())
