"""Runtimes: one loaded model on one device. Imports torch or another engine only when a model is loaded."""

from sonotype.models.runtime.base import Fill, RunOutput, Runtime, load, output_shapes

__all__ = ["Fill", "RunOutput", "Runtime", "load", "output_shapes"]
