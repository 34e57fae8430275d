"""Sonotype: a service that listens to music and answers with labels, neighbours and reasons."""

__version__ = "0.1.0"
