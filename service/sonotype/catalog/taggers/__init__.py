"""Taggers that a catalogue can teach: soft prototypes, a log of corrections, and the folder that keeps both."""
