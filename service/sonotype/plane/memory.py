"""Answers remembered in the cache: what is kept under which key, and never in the way of a request."""

from __future__ import annotations

from sonotype.core.types import Crop, EmbeddingScope, Upload
from sonotype.plane.answer import Answer, without_patch_embeddings
from sonotype.plane.plan import Plan
from sonotype.serving.cache import codec
from sonotype.serving.cache.keys import Cut, cache_key
from sonotype.serving.cache.store import CacheStore


class AnswerMemory:
    """Keeps answers in a `CacheStore`.

    An answer is stored under two keys: one with the clip's vectors and the taggram, which nearly everybody asks
    for, and, where a caller asked for them, one with the vectors of every patch.
    """

    def __init__(self, store: CacheStore, ttl_s: float) -> None:
        self._store = store
        self._ttl_s = ttl_s

    def key(self, upload: Upload, plan: Plan, crop: Crop, scope: EmbeddingScope | None = None) -> str:
        """The cache key of one answer, in the plan's scope or another."""
        patch = plan.patch
        stored = scope or plan.scope
        cut = Cut(crop, patch.frames, patch.hop_frames, patch.tail, patch.short, stored, plan.patchout)
        return cache_key(
            task="analyze",
            model_sha256=plan.card.weights_sha256,
            precision=plan.precision,
            frontend_sha256=plan.spec.sha256,
            cut=cut,
            content_sha256=upload.sha256,
        )

    async def get(self, key: str) -> Answer | None:
        """The remembered answer; `None` when there is none, when it is damaged or when the cache is away."""
        value = await self._store.get(key)
        decoded = codec.decode(value, key=key) if value is not None else None
        return Answer(*decoded) if decoded is not None else None

    async def put(self, upload: Upload, plan: Plan, crop: Crop, answer: Answer) -> None:
        """Remember an answer; the store writes in its own time."""
        await self._write(self.key(upload, plan, crop, "clip"), without_patch_embeddings(answer))
        if plan.scope == "patches":
            await self._write(self.key(upload, plan, crop, "patches"), answer)

    async def _write(self, key: str, answer: Answer) -> None:
        await self._store.put(key, codec.encode(answer.meta, answer.arrays, key=key), self._ttl_s)
