"""From trained networks to `decoder.safetensors` and the `[decoder]` table of a card."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from sonotype.models.card import DecoderSpec
from sonotype.models.sonify.flow_mel import FILE, Decoder

TABLE = "decoder.toml"


def export(decoder: Decoder, folder: Path, *, steps: int, guidance: float) -> DecoderSpec:
    """Write the weights as float16, and the table that belongs into the card beside them as `decoder.toml`.

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
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(data)
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
    (folder / TABLE).write_text(table(spec), encoding="utf-8")
    return spec


def table(spec: DecoderSpec) -> str:
    """The `[decoder]` table as TOML."""
    return "\n".join(_lines("decoder", spec.model_dump(exclude_none=True)))


def _lines(name: str, values: dict[str, Any]) -> list[str]:
    """A table and its sub-tables."""
    flat = [f"{key} = {_literal(value)}" for key, value in values.items() if not isinstance(value, dict)]
    nested = [_lines(f"{name}.{key}", value) for key, value in values.items() if isinstance(value, dict)]
    return [f"[{name}]", *flat, "", *(line for lines in nested for line in lines)]


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _halved(name: str, value: Tensor) -> bool:
    return name.startswith(("flow.", "vocoder.")) and value.numel() > 1
