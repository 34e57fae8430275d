"""Training: data, prototype classifiers and decoders. Writes model folders; imports core, audio and models only."""
