"""Multilabel prototype generation: a labelled corpus shrunk to few prototypes, and kNN on them."""

from sonotype.models.multilabel.explaining import Explanation, Neighbour
from sonotype.models.multilabel.knn import MultiLabelKNN
from sonotype.models.multilabel.prototype_set import PrototypeSet

__all__ = ["Explanation", "MultiLabelKNN", "Neighbour", "PrototypeSet"]
