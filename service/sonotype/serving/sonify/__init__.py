"""Sonification: a queue of its own and one supervised process of low priority that turns embeddings into samples."""
