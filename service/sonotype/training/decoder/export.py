"""From trained networks to `decoder.safetensors` and the `[decoder]` table of a card."""

from __future__ import annotations

import hashlib
from pathlib import Path

import tomli_w
from safetensors.torch import save
from torch import Tensor

from sonotype.models.card import PrototypeCard, read_any_card
from sonotype.models.card_parts import DecoderSpec
from sonotype.models.sonify.flow_mel import FILE, Decoder
from sonotype.models.weights.base import write_atomic
from sonotype.training.model_folder import CARD_NAME, rewrite_card

TABLE = "decoder.toml"


def export(decoder: Decoder, folder: Path, *, steps: int, guidance: float) -> DecoderSpec:
    """Write the weights as float16, and their table: into the card that is there, or else beside them, `decoder.toml`.

    The codec and the statistics of embeddings stay float32.

    Args:
        decoder: all networks.
        folder: where to.
        steps: default of the sampler.
        guidance: default of the sampler.
    """
    state = decoder.state_dict()
    tensors = {name: (value.half() if _halved(name, value) else value).contiguous() for name, value in state.items()}
    data = save(tensors)
    write_atomic(folder / FILE, data)
    options = decoder.options
    spec = DecoderSpec(
        family="flow-mel",
        sha256=hashlib.sha256(data).hexdigest(),
        n_parameters=sum(value.numel() for value in state.values()),
        dim=len(decoder.mean),
        sample_rate_hz=options.mel.sample_rate_hz,
        segment_samples=options.samples,
        steps=steps,
        guidance=guidance,
        options=options.model_dump(),
    )
    _describe(folder, spec)
    return spec


def _describe(folder: Path, spec: DecoderSpec) -> None:
    """Put the table into the card of the folder, or beside the weights where there is no card yet."""
    if (folder / CARD_NAME).is_file():
        card = read_any_card(folder / CARD_NAME)
        if isinstance(card, PrototypeCard):
            rewrite_card(folder, card.model_copy(update={"decoder": spec}))
            return
    (folder / TABLE).write_text(tomli_w.dumps({"decoder": spec.model_dump(exclude_none=True)}), encoding="utf-8")


def _halved(name: str, value: Tensor) -> bool:
    return name.startswith(("flow.", "vocoder.")) and value.numel() > 1
