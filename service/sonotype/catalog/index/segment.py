"""The bulk of the vectors, with the graph over them: all that we ask of faiss but k-means.

The vectors exist once, in the flat storage of the graph; exact search and look-ups read them there. Adding is not safe
beside anything else; everything else is safe beside itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import faiss as _faiss
import numpy as np

from sonotype.catalog.index.values import Integers, Tuning
from sonotype.core.types import Floats

faiss: Any = _faiss  # its type stubs know half of what it has

Ranked = tuple[Integers, Floats]
"""Positions [n] and their similarities [n], best first."""

_PIECE = 1 << 20  # bytes that faiss hands over at once
_NOTHING: Ranked = (np.empty(0, np.int64), np.empty(0, np.float32))


def use_threads(count: int) -> None:
    """How many threads faiss takes when the calling thread adds or asks for several vectors at once."""
    faiss.omp_set_num_threads(count)


class Segment:
    """Vectors by position, from 0; with a graph over them or, as long as there is none, bare.

    Args:
        index: `IndexHNSWFlat` or `IndexFlatIP`, both of inner products.

    Attributes:
        has_graph: it is not bare.
        checked: positions below it were looked for by the graph; see `strays`.
    """

    def __init__(self, index: Any) -> None:
        self._index = index
        self.checked = 0
        self.has_graph = isinstance(index, faiss.IndexHNSWFlat)
        self._flat = faiss.downcast_index(index.storage) if self.has_graph else index

    @classmethod
    def bare(cls, dim: int) -> Segment:
        """Without a graph: every search compares with all."""
        return cls(faiss.IndexFlatIP(dim))

    @classmethod
    def linked(cls, dim: int, tuning: Tuning) -> Segment:
        """With a graph, empty."""
        index = faiss.IndexHNSWFlat(dim, tuning.links, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = tuning.build_width
        return cls(index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return int(self._index.d)

    @property
    def size_bytes(self) -> int:
        """Of vectors and links in memory."""
        links = 0
        if self.has_graph:
            hnsw = self._index.hnsw
            links = 4 * (hnsw.neighbors.size() + hnsw.levels.size()) + 8 * hnsw.offsets.size()
        return int(len(self) * self.dim * 4 + links)

    def add(self, vectors: Floats) -> None:
        """Append vectors [n, D]; with a graph, find each its neighbours."""
        self._index.add(vectors)

    def near(self, vector: Floats, width: int) -> Ranked:
        """The `width` positions that the graph finds nearest to a vector [D], dead ones included."""
        width = min(width, len(self))
        parameters = faiss.SearchParametersHNSW(efSearch=width)
        similarity, positions = self._index.search(vector[None], width, params=parameters)
        found = positions[0] >= 0
        return positions[0][found], similarity[0][found]

    def near_many(self, vectors: Floats, count: int, width: int) -> tuple[Integers, Floats]:
        """For vectors [n, D]: positions [n, count] by the graph and their similarities [n, count]."""
        parameters = faiss.SearchParametersHNSW(efSearch=width)
        similarity, positions = self._index.search(vectors, count, params=parameters)
        return np.asarray(positions), np.asarray(similarity)

    def scan(self, vector: Floats, count: int, positions: Integers | None = None) -> Ranked:
        """The `count` nearest of positions [n] (None: of all), each compared with the vector [D]."""
        count = min(count, len(self) if positions is None else len(positions))
        if not count:
            return _NOTHING
        parameters = None
        if positions is not None:  # this selector lets faiss fetch the rows instead of passing over all
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorArray(positions))
        similarity, found = self._flat.search(vector[None], count, params=parameters)
        return found[0], similarity[0]

    def vectors(self, positions: Integers) -> Floats:
        """A copy of the vectors at positions [n], shape [n, D]."""
        if not len(positions):
            return np.empty((0, self.dim), np.float32)
        return np.asarray(self._view()[positions], dtype=np.float32)

    def _view(self) -> Floats:
        """The vectors where they are, shape [n, D]; it dangles after the next `add`."""
        flat: Floats = faiss.rev_swig_ptr(self._flat.get_xb(), len(self) * self.dim)
        return flat.reshape(len(self), self.dim)

    def write(self, write: Callable[[bytes], int]) -> None:
        """Hand the whole segment over in pieces; what `write` raises passes through."""
        faiss.write_index(self._index, faiss.PyCallbackIOWriter(write, _PIECE))

    @classmethod
    def read(cls, read: Callable[[int], bytes]) -> Segment:
        """The segment that `write` handed over.

        Raises:
            ValueError: it is none.
        """
        try:
            index = faiss.read_index(faiss.PyCallbackIOReader(read, _PIECE))
        except RuntimeError as error:  # faiss knows no other
            raise ValueError(f"not an index: {error}") from error
        if not isinstance(index, (faiss.IndexHNSWFlat, faiss.IndexFlatIP)):
            raise ValueError(f"an index of another kind: {type(index).__name__}")
        segment = cls(index)
        segment.make_room()
        return segment

    def make_room(self) -> None:
        """Let the containers grow once now, so that the first `add` after loading need not move a gigabyte.

        A vector of C++ doubles its capacity when it grows; pages that nothing touches cost no memory.
        """
        containers = [self._flat.codes]
        if self.has_graph:
            containers.append(self._index.hnsw.neighbors)
        for container in containers:
            size = container.size()
            container.resize(size + 1)
            container.resize(size)


def top(similarity: Floats, count: int) -> Integers:
    """Indices of the `count` greatest, greatest first; equal ones in the order given."""
    if count < len(similarity):
        kept = np.sort(np.argpartition(-similarity, count - 1)[:count])
    else:
        kept = np.arange(len(similarity))
    return np.asarray(kept[np.argsort(-similarity[kept], kind="stable")], dtype=np.int64)
