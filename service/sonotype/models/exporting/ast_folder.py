"""A MAEST as Hugging Face's `ASTForAudioClassification` reads it: a folder of weights and configuration."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import Card
from sonotype.models.nets.patchout import SIDE, STRIDE
from sonotype.models.weights import store
from sonotype.models.zoo.ast_names import to_ast
from sonotype.models.zoo.maest_state import geometry_of

_FRAMES = 6  # beyond the steps of all columns


def ast_files(card: Card, weights: Path) -> dict[str, bytes]:
    """The files of the folder by name. The licence stands in both: it goes with the weights.

    Raises:
        SonotypeError: `invalid_request` for another family; `weights_missing` or `weights_corrupt`.
    """
    if card.network.family != "maest":
        raise SonotypeError(Code.INVALID_REQUEST, f"{card.address} is no MAEST: only those have an AST layout.")
    state = store.read(card, weights)
    terms = {
        "model": card.address,
        "licence": card.licence.spdx,
        "licence_commercial": json.dumps(card.licence.commercial),
        "licence_holder": card.licence.holder,
        "licence_url": card.licence.url,
        "weights_sha256": card.weights_sha256,
    }
    arrays = {name: np.ascontiguousarray(array) for name, array in to_ast(state).items()}
    found = geometry_of(state, card.address, card.network.options.get("heads"))
    configuration = {
        "architectures": ["ASTForAudioClassification"],
        "model_type": "audio-spectrogram-transformer",
        "hidden_size": found.width,
        "num_hidden_layers": found.depth,
        "num_attention_heads": found.heads,
        "intermediate_size": 4 * found.width,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-6,
        "qkv_bias": True,
        "patch_size": SIDE,
        "frequency_stride": STRIDE,
        "time_stride": STRIDE,
        "num_mel_bins": 96,
        "max_length": STRIDE * found.columns + _FRAMES,
        "id2label": dict(enumerate(card.labels)),
        "label2id": {label: index for index, label in enumerate(card.labels)},
        "sonotype": terms,
    }
    return {
        "model.safetensors": save(arrays, metadata={"format": "pt", **terms}),
        "config.json": json.dumps(configuration, indent=2, ensure_ascii=False).encode() + b"\n",
    }
