"""Put a track into the catalogue: embed it, describe it, store it for good."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, replace

import numpy as np

from sonotype.catalog.port import Catalog, Idempotency, Stored
from sonotype.catalog.track import Draft
from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Analysis, Floats, Upload
from sonotype.plane.catalog.check_track import checked, checked_vector
from sonotype.plane.catalog.describe import describe, describe_embedding
from sonotype.plane.catalog.generations import Generations
from sonotype.plane.catalog.limits import invalid
from sonotype.plane.catalog.space import Space
from sonotype.plane.catalog.values import Submission
from sonotype.plane.heads import Head
from sonotype.plane.query import AnalyzeQuery

Analyze = Callable[[Upload, AnalyzeQuery], Awaitable[Analysis]]


class Tracks:
    """The use case of putting tracks.

    Args:
        catalog: the engine.
        generations: which embeddings are stored.
        labellers: names of the models whose labels and evidence are stored.
        heads: the served heads.
        analyze: the use case of analysing an upload.
    """

    def __init__(
        self,
        catalog: Catalog,
        generations: Generations,
        labellers: tuple[str, ...],
        heads: Iterable[Head],
        analyze: Analyze,
    ) -> None:
        self._catalog = catalog
        self._generations = generations
        self._analyze = analyze
        self.configure(labellers, heads)

    def configure(self, labellers: tuple[str, ...], heads: Iterable[Head]) -> None:
        """Store the labels and the evidence of other models, or of other versions, from now on."""
        self._labellers = labellers
        self._heads = [head for head in heads if {head.card.name, head.card.address} & set(labellers)]

    async def put(self, submission: Submission, upload: Upload | None = None) -> Stored:
        """Analyse what was sent and store it; it is found by the next search. Raises any code of the table."""
        wanted = checked(submission, has_upload=upload is not None)
        draft = self._of_embedding(wanted) if upload is None else await self._of_upload(wanted, upload)
        return await self._catalog.put(draft, _idempotency(submission, upload))

    async def embed(self, upload: Upload, space: Space, query: AnalyzeQuery) -> Floats:
        """The embedding of an upload. Raises any code of the table."""
        analysis = await self._analyze(upload, replace(query, models=(space.card.address,)))
        return _vector(analysis, space)

    async def _of_upload(self, wanted: Submission, upload: Upload) -> Draft:
        spaces = self._generations.writable()
        models = dict.fromkeys((*(space.card.address for space in spaces), *self._labellers))
        query = AnalyzeQuery(
            models=tuple(models),
            lane=wanted.lane,
            timeout_s=wanted.timeout_s,
            client=wanted.client,
            is_job=wanted.is_job,
        )
        analysis = await self._analyze(upload, query)
        metadata = wanted.metadata
        if metadata.duration_s is None:
            metadata = replace(metadata, duration_s=round(analysis.clip.duration_s, 3))
        names = {name.partition("@")[0] for name in self._labellers}
        labels, evidence = describe(r for r in analysis.results if r.model.partition("@")[0] in names)
        return Draft(
            metadata=metadata,
            vectors={space.generation: _vector(analysis, space) for space in spaces},
            id=wanted.id,
            content_sha256=upload.sha256,
            labels=labels,
            evidence=evidence,
            source=wanted.source,
        )

    def _of_embedding(self, wanted: Submission) -> Draft:
        assert wanted.embedding is not None, "checked before. This is a bug."  # noqa: S101
        space = self._space_of(wanted.embedding_of)
        vector = checked_vector(wanted.embedding, space.dim)
        labels, evidence = describe_embedding((head for head in self._heads if space.carries(head)), vector)
        return Draft(
            metadata=wanted.metadata,
            vectors={space.generation: vector},
            id=wanted.id,
            labels=labels,
            evidence=evidence,
            source=wanted.source,
        )

    def _space_of(self, address: str | None) -> Space:
        """The embedding that a client says it sends; nothing else tells vectors of equal length apart."""
        known = self._generations.writable()
        if address is None:
            return known[0]
        for space in known:
            if address in (space.address, f"{space.card.address}@{space.embedding}"):
                return space
        names = " or ".join(space.address for space in known)
        raise invalid(f"The catalogue holds embeddings of {names}, not of {address[:200]!r}.")


def _vector(analysis: Analysis, space: Space) -> Floats:
    result = next(result for result in analysis.results if result.model == space.card.address)
    vector = result.embeddings[space.embedding]
    if not (np.isfinite(vector).all() and vector.any()):
        raise SonotypeError(Code.ITEM_FAILED, f"{space.card.name} finds nothing in this audio: its embedding is zero.")
    return vector


def _idempotency(submission: Submission, upload: Upload | None) -> Idempotency | None:
    if submission.idempotency_key is None:
        return None
    return Idempotency(submission.client or "", submission.idempotency_key, request_hash(submission, upload))


def request_hash(submission: Submission, upload: Upload | None) -> str:
    """Hash (hex) of all that a request to put a track says; how long it may take and who asks is no part of it."""
    said: Mapping[str, object] = {
        "metadata": asdict(submission.metadata),
        "id": submission.id,
        "embedding_of": submission.embedding_of,
        "source": submission.source,
        "upload": upload.sha256 if upload else None,
    }
    digest = hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode())
    if submission.embedding is not None:
        digest.update(np.ascontiguousarray(submission.embedding, dtype="<f4").tobytes())
    return digest.hexdigest()
