"""Supervised worker processes: spawn, shared memory, control messages, restart."""
