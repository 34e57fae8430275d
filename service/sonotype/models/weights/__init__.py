"""Weights: fetched from where a card says, converted to safetensors, kept by hash. No torch, no TensorFlow."""
