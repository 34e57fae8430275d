"""Decoders that generate audio from an embedding."""
