"""Similarity through the real service: what the engine costs in it, and what the service adds."""
