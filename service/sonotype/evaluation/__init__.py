"""Evaluation: is what a model says, and what it plays, faithful? Imports core, audio and models only."""
