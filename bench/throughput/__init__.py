"""Seconds of audio per CPU-second, from file to tags, against Essentia."""
