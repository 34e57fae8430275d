"""The index of one generation: an HNSW graph over vectors that rest elsewhere; derived, never the truth."""
