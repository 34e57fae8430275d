"""Training of transfer heads on frozen embeddings (Alonso-Jiménez et al. 2020, arXiv:2003.07393)."""
