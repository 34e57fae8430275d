"""Prototype generation for multilabel kNN: sizes, accuracy and speed on the published corpora and on music."""
