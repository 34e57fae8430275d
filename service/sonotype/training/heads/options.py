"""What can be chosen when a transfer head is trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeadOptions:
    """Options of one training.

    Attributes:
        hidden: rectified units between the embedding and the outputs; 0 makes the head linear.
        dropout: share of the hidden units left out of each step, and half of it of the embedding.
        epochs: at most.
        patience: epochs without a better validation loss after which training ends.
        batch: patches of a step.
        learning_rate: of AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101).
        weight_decay: of AdamW.
        balanced: every class (multiclass) counts the same, or every label's files with it as much as those without.
    """

    hidden: int = 100
    dropout: float = 0.3
    epochs: int = 300
    patience: int = 10
    batch: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    balanced: bool = True
