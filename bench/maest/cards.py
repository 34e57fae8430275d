"""Cards of MAEST models that are made here: any size, weights of our own or random ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sonotype.models.card import Card

_MEL = {
    "sample_rate_hz": 16000,
    "n_fft": 512,
    "hop_length": 256,
    "n_mels": 96,
    "fmin_hz": 0.0,
    "fmax_hz": 8000.0,
    "log_scale": 10000.0,
}
# what the published checkpoints were trained with, and what their package computes
_FRONTENDS = {
    "essentia": _MEL | {"window": "symmetric", "padding": "zero", "frames": "ceil"},
    "torch": _MEL | {"window": "periodic", "padding": "reflect", "frames": "floor"},
}


def make_card(name: str, labels: Sequence[str], options: Mapping[str, Any]) -> Card:
    """A card for the options of `nets.maest.MAEST`; patches are as long as its time encodings."""
    width, frames = int(options.get("width", 768)), 10 * int(options.get("columns", 187)) + 6
    taps = [f"block{block}" for block in options.get("blocks", (7,))]
    dims = {tap + part: 3 * width if not part else width for tap in taps for part in ("", "-cls", "-dist", "-mean")}
    embeddings = [{"name": tap, "dim": dim, "description": ""} for tap, dim in (dims | {"last": width}).items()]
    fields = {
        "card_schema": 1,
        "name": name,
        "version": "1",
        "title": name,
        "description": "A MAEST made by bench/maest.",
        "network": {"family": "maest", "options": dict(options)},
        "frontends": _FRONTENDS,
        "patch": {"frames": frames, "hop_frames": frames - 1, "tail": "align", "short": "native"},
        "labels": list(labels),
        "embeddings": embeddings,
        "patchout": {"full": {}, "balanced": {"time_every": 2}, "fast": {"time_every": 4}},
        "source": {"kind": "none"},
        "licence": {"spdx": "Apache-2.0", "commercial": True, "holder": "Sonotype"},
        "citation": "",
    }
    return Card.model_validate(fields)
