"""Train the `flow-mel` decoder: a codec, a flow from embeddings to its latents, and a vocoder."""
