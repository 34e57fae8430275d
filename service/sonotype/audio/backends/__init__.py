"""Decoders behind one face: libsndfile where it is right and fast, libav for the rest.

Both give the samples that are really in the stream, whatever its header says (see `select`).
"""
