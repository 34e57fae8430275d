"""Heads on a backbone's embedding, in numpy: the gateway computes them without torch."""
