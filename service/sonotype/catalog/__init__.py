"""The catalogue: tracks with their metadata and embeddings, kept for good, and the search over them."""
