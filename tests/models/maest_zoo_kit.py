"""Small MAESTs in every published form, with the real names, and models of other libraries that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file

from sonotype.core.types import Floats
from sonotype.models.zoo.maest_state import Geometry, State, shapes

SMALL = Geometry(n_labels=5, columns=4, width=64, depth=2, heads=1)
LABELS = tuple(f"Genre---{name}" for name in "abcde")


def random_state(geometry: Geometry = SMALL, seed: int = 0) -> State:
    """Parameters of which no two are alike."""
    rng = np.random.default_rng(seed)
    return {
        name: (0.05 * rng.standard_normal(shape) + name.endswith(("norm1.weight", "norm2.weight"))).astype(np.float32)
        for name, shape in shapes(geometry).items()
    }


def tensors(state: Mapping[str, Floats], prefix: str = "") -> dict[str, torch.Tensor]:
    return {prefix + name: torch.from_numpy(array.copy()) for name, array in state.items()}


def write_ckpt(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def write_safetensors(path: Path, state: Mapping[str, Floats]) -> Path:
    save_file({name: np.ascontiguousarray(array) for name, array in state.items()}, path)
    return path


def same_state(one: Mapping[str, Floats], other: Mapping[str, Floats]) -> bool:
    return set(one) == set(other) and all(np.array_equal(one[name], other[name]) for name in one)


def ast_model(geometry: Geometry = SMALL, eps: float = 1e-6) -> Any:
    """`transformers`' own network of that size, with random weights; in evaluation mode."""
    from transformers import ASTConfig, ASTForAudioClassification  # noqa: PLC0415 - slow to import

    config = ASTConfig(
        hidden_size=geometry.width,
        num_hidden_layers=geometry.depth,
        num_attention_heads=geometry.heads,
        intermediate_size=4 * geometry.width,
        num_labels=geometry.n_labels,
        max_length=10 * geometry.columns + 6,
        num_mel_bins=96,
        layer_norm_eps=eps,
        attn_implementation="eager",
    )
    net = ASTForAudioClassification(config).eval()
    net.classifier.layernorm.eps = 1e-5  # as MAEST's head was trained; the published configuration says 1e-6
    return net


def fill(net: Any, state: Mapping[str, Floats]) -> None:
    """Put a file's parameters into `transformers`' network by its own names, whatever its release calls them."""
    from sonotype.models.zoo.ast_names import canonical  # noqa: PLC0415

    own = {canonical(name): name for name in net.state_dict()}
    assert set(own) == set(state)
    net.load_state_dict({own[name]: torch.from_numpy(array.copy()) for name, array in state.items()})
