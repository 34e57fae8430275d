"""Training of prototype classifiers on frozen embeddings (PECMAE, arXiv:2402.09318)."""
