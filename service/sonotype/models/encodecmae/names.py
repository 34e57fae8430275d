"""Names of tensors: from the second layout of EnCodecMAE to the first, which is the one used here."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from sonotype.models.encodecmae.reading import corrupt

# v2 beginning: v1 beginning
_RENAMED = {
    "wav_encoder.encoder.": "wav_encoder.",
    "wav_encoder.post_net.": "feat_projector.",
    "visible_encoder.post_net.": "decoder_projector.",
}
_SCALE = "positional_encoder.scale"
_SCALES = (f"masker.{_SCALE}", f"decoder.{_SCALE}")

PRETRAINING = ("target_encoder.", "decoder.", "decoder_projector.", "head.", "masker.")
"""Beginnings of v1 names that inference does not use."""


def v1_names(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], bool]:
    """The state dict with v1 names, and whether it had v2 names.

    The one scale of the positions lies in v2 under two names, with equal values.

    Raises:
        SonotypeError: `weights_corrupt` for a model on mel spectra, or where the two scales differ.
    """
    if not any(name.startswith(("wav_encoder.encoder.", "wav_encoder.post_net.")) for name in state):
        return dict(state), False
    if not any(name.startswith("wav_encoder.encoder.model.") for name in state):
        raise corrupt("This EnCodecMAE takes mel spectra (mel256-...); only those on EnCodec's latents can be used.")
    scales = [state[name] for name in _SCALES if name in state]
    if not scales or not all(torch.equal(scale, scales[0]) for scale in scales):
        raise corrupt("The scales of the positions are missing or differ.")
    renamed = {_renamed(name): tensor for name, tensor in state.items() if name not in _SCALES}
    return renamed | {_SCALE: scales[0]}, True


def _renamed(name: str) -> str:
    for v2, v1 in _RENAMED.items():
        if name.startswith(v2):
            return v1 + name.removeprefix(v2)
    return name
