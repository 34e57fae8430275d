"""Runtimes: one loaded model on one device. Imports torch or another engine only when a model is loaded."""

from sonotype.models.runtime.base import RunOutput, Runtime, load, output_shapes

__all__ = ["RunOutput", "Runtime", "load", "output_shapes"]
