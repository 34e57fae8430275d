"""What the loaders of checkpoints give, and whether two of them belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sonotype.models.encodecmae.config import AutoencoderConfig, EmbedderConfig, EncodecConfig
from sonotype.models.encodecmae.names import PRETRAINING
from sonotype.models.encodecmae.reading import corrupt

State = dict[str, Tensor]
INSIDE = "encoder.encodecmae_model."
"""Beginning of the names of the EnCodecMAE inside a summary autoencoder."""


@dataclass(frozen=True)
class Codec:
    """A whole EnCodec."""

    config: EncodecConfig
    state: State


@dataclass(frozen=True)
class Embedder:
    """The inference part of an EnCodecMAE; `whole` says whether the parts of its pre-training were there as well."""

    config: EmbedderConfig
    state: State
    whole: bool


@dataclass(frozen=True)
class Autoencoder:
    """A summary autoencoder with the EnCodecMAE inside."""

    config: AutoencoderConfig
    state: State

    @property
    def embedder(self) -> Embedder:
        """The EnCodecMAE inside, as far as inference uses it."""
        model = self.config.model
        # what inference does not use of the codec is not part of its sizes
        encodec = EncodecConfig(filters=model.encodec.filters, strides=model.encodec.strides, dim=model.encodec.dim)
        config = EmbedderConfig(encodec=encodec, encoder=model.encoder)
        inside = {name.removeprefix(INSIDE): t for name, t in self.state.items() if name.startswith(INSIDE)}
        return Embedder(config, {n: t for n, t in inside.items() if not n.startswith(PRETRAINING)}, whole=True)


def same(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], what: str) -> None:
    """Refuse parts that were not made for each other: z and latents only mean something to their own model.

    Raises:
        SonotypeError: `weights_corrupt`.
    """
    if ours.keys() != theirs.keys() or not all(_close(tensor, theirs[name]) for name, tensor in ours.items()):
        raise corrupt(f"{what} were not made for each other: their numbers differ.")


def _close(ours: Tensor, theirs: Tensor) -> bool:
    return ours.shape == theirs.shape and torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6)
