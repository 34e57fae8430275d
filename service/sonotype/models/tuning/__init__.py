"""Which engine computes a network, and in which arithmetic: by measurement, and only where the scores agree."""
