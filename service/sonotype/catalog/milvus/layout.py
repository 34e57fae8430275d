"""The collections: tracks, one of vectors per generation, and what the catalogue knows of itself.

Milvus wants a vector in every collection; those that search nothing hold two zeros.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sonotype.catalog.milvus.client import SLOW_S, Client
from sonotype.catalog.milvus.filters import ID_BYTES
from sonotype.core.errors import SonotypeError

TEXT_BYTES = 65_535
TERMS = 1024
"""Tags, labels or prototypes that one track may have."""
NOTHING = [1.0, 0.0]
_KEY_FIELDS = ("draw", "revision", "collection", "artist", "album_title", "album", "content", "mbid", "isrc")
_NUMBER_FIELDS = ("year", "duration_s", "tempo_bpm")
_TERM_FIELDS = ("tags", "labels", "prototypes")
FACT_FIELDS = (*_KEY_FIELDS, *_NUMBER_FIELDS, *_TERM_FIELDS)
"""What filters and ranking need: the same in the collection of tracks and in those of vectors."""
_HNSW = {"index_type": "HNSW", "metric_type": "COSINE", "params": {"M": 16, "efConstruction": 200}}
_AUTO = {"index_type": "AUTOINDEX", "metric_type": "COSINE", "params": {}}


def tracks_name(client: Client) -> str:
    """The collection of documents."""
    return f"{client.address.prefix}_tracks"


def meta_name(client: Client) -> str:
    """The collection of what the catalogue knows of itself."""
    return f"{client.address.prefix}_meta"


def vectors_name(client: Client, generation: str, begun: float) -> str:
    """The collection of a generation's vectors; Milvus takes letters, digits and `_` only.

    One that is begun anew after it was dropped has another, so that no track seems to have a vector in it.
    """
    text = f"{generation}\x1f{begun!r}"
    return f"{client.address.prefix}_v_{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def alias_name(client: Client) -> str:
    """The alias of the current generation's vectors."""
    return f"{client.address.prefix}_current"


async def create_tracks(client: Client) -> None:
    """Documents, with all that lists are filtered by."""
    kind = client.library.DataType
    fields: dict[str, Any] = {"position": kind.INT64, "open": kind.INT64, **_facts(kind)}
    shape = _Shape(fields, {"document": TEXT_BYTES}, 2, (*_TERM_FIELDS, "generations"))
    await _create(client, tracks_name(client), shape, [_AUTO])


async def create_meta(client: Client) -> None:
    """Named values."""
    kind = client.library.DataType
    shape = _Shape({"kind": kind.INT64, "at": kind.INT64}, {"value": TEXT_BYTES}, 2, ())
    await _create(client, meta_name(client), shape, [_AUTO])


async def create_vectors(client: Client, collection: str, dim: int) -> None:
    """Vectors, with all that a search filters by and ranking needs, so that a search is one call."""
    fields = _facts(client.library.DataType)
    await _create(client, collection, _Shape(fields, {}, dim, _TERM_FIELDS), [_HNSW, _AUTO])


async def drop(client: Client, collection: str) -> None:
    """Delete a collection, if it is there."""
    await client.call(lambda milvus: milvus.drop_collection(collection, timeout=SLOW_S), SLOW_S)


async def collections(client: Client) -> list[str]:
    """Names of all collections of the database."""
    return list(await client.call(lambda milvus: milvus.list_collections()))


def _facts(kind: Any) -> dict[str, Any]:
    return dict.fromkeys(_KEY_FIELDS, kind.INT64) | dict.fromkeys(_NUMBER_FIELDS, kind.DOUBLE)


async def _create(client: Client, name: str, shape: _Shape, indices: Sequence[Mapping[str, Any]]) -> None:
    """Create a collection, if it is missing, with the first kind of index that the engine has, and load it.

    Raises:
        SonotypeError: `unavailable`. milvus-lite 2 has no HNSW and says so; what it then has is tried.
    """
    for index in indices:
        try:
            await client.call(partial(_build, client.library, name, shape, index), SLOW_S)
        except SonotypeError:
            if index is indices[-1]:
                raise
        else:
            return


def _build(library: Any, name: str, shape: _Shape, index: Mapping[str, Any], milvus: Any) -> None:
    if not milvus.has_collection(name, timeout=SLOW_S):
        milvus.create_collection(name, schema=shape.schema(library), consistency_level="Strong", timeout=SLOW_S)
    if not milvus.list_indexes(name):
        parameters = library.MilvusClient.prepare_index_params()
        parameters.add_index("vector", **index)
        milvus.create_index(name, parameters, timeout=SLOW_S, sync=False)  # empty: there is nothing to wait for
    milvus.load_collection(name, timeout=SLOW_S)


@dataclass(frozen=True, slots=True)
class _Shape:
    """The fields of a collection beside `id` and `vector`.

    Attributes:
        scalars: numbers, with their types.
        texts: texts, with their greatest length in bytes.
        dim: of the vector.
        terms: arrays of keys.
    """

    scalars: Mapping[str, Any]
    texts: Mapping[str, int]
    dim: int
    terms: tuple[str, ...]

    def schema(self, library: Any) -> Any:
        """As pymilvus takes it."""
        kind = library.DataType
        schema = library.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", kind.VARCHAR, is_primary=True, max_length=ID_BYTES)
        schema.add_field("vector", kind.FLOAT_VECTOR, dim=self.dim)
        for field, type_ in self.scalars.items():
            schema.add_field(field, type_)
        for field, length in self.texts.items():
            schema.add_field(field, kind.VARCHAR, max_length=length)
        for field in self.terms:
            schema.add_field(field, kind.ARRAY, element_type=kind.INT64, max_capacity=TERMS)
        return schema
