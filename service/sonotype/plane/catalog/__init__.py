"""The use cases of the catalogue."""
