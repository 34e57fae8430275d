"""EnCodecMAE as a model of the service: samples of one patch to its embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from sonotype.models.encodecmae.config import EmbedderConfig, StackConfig
from sonotype.models.encodecmae.encodecmae import FrameEmbedder
from sonotype.models.encodecmae.summary import Summary


class ServedEmbedder(nn.Module):
    """Gives `mean`, the mean over the frames of EnCodecMAE, and with an autoencoder `summary`, its vector z.

    Args:
        n_labels: must be 0: this family gives embeddings only.
        embedder: sizes of the EnCodecMAE, an `EmbedderConfig`.
        summary: sizes of the summary encoder, a `StackConfig`; None where there is none.
    """

    def __init__(self, n_labels: int, embedder: Mapping[str, Any], summary: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        if n_labels:
            raise ValueError("this family has no labels")
        self.embedder = FrameEmbedder(EmbedderConfig.model_validate(embedder))
        self.summary = None if summary is None else Summary(StackConfig.model_validate(summary))

    def forward(self, samples: Tensor) -> dict[str, Tensor]:
        """Embed.

        Args:
            samples: mono at 24 kHz, shape [B, n].

        Returns:
            `mean` and `summary`, each of shape [B, dim], and `tags` of shape [B, 0].
        """
        frames = self.embedder(samples)
        outputs = {"mean": frames.mean(1), "tags": frames.new_zeros(len(frames), 0)}
        return outputs if self.summary is None else outputs | {"summary": self.summary(frames)}
