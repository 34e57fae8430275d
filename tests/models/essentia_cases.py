"""What is compared with Essentia: graphs by name, and what they are fed. Seeds make both again, here and there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from essentia_kit import Array, emomusic, head, random_layers, saved_model
from essentia_musicnn_kit import fine_tuned, musicnn, random_variables


@dataclass(frozen=True, slots=True)
class Case:
    """One graph: its bytes, the name of its input, of its predictions and of what else is compared."""

    graph: bytes
    node: str
    output: str
    dim: int = 200
    further: str = ""


def mels(seed: int = 1, n: int = 3) -> Array:
    """Log-mel patches [n, 187, 96] with a slope over mel and a beat, as music has."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(4.5, 0.5, 96) * (0.7 + 0.3 * np.abs(np.sin(np.arange(187) / 9))[:, None])
    return np.maximum(slope + rng.normal(0, 0.4, (n, 187, 96)), 0).astype(np.float32)


def embeddings(dim: int, seed: int = 2, n: int = 12) -> Array:
    """Embeddings [n, dim] in the range of MusiCNN's hidden layer."""
    return np.random.default_rng(seed).normal(0, 5, (n, dim)).astype(np.float32)


def heads() -> dict[str, Case]:
    """Heads of every published layout, with random weights."""
    return {
        "softmax-2": Case(head(random_layers((200, 100, 2), 3), "Softmax"), "model/Placeholder", "model/Softmax"),
        "softmax-linear": Case(
            head(random_layers((200, 100, 9), 4), "Softmax", relu=False), "model/Placeholder", "model/Softmax"
        ),
        "sigmoid-512": Case(
            head(random_layers((1280, 512, 56), 5), "Sigmoid"), "model/Placeholder", "model/Sigmoid", 1280
        ),
        "identity": Case(head(random_layers((200, 100, 2), 6), "Identity"), "model/Placeholder", "model/Identity"),
        "emomusic-1": Case(emomusic(7)[0], "flatten_in_input", "dense_out"),
        "saved-model": Case(
            saved_model(random_layers((200, 100, 5), 8), "Softmax"),
            "serving_default_model_Placeholder",
            "PartitionedCall",
        ),
    }


def networks() -> dict[str, Case]:
    """A tagger and a classifier made of it (200 → 100 → 9), with random weights."""
    variables, hidden = random_variables(11), "model/dense/BiasAdd"
    return {
        "tagger": Case(musicnn(variables), "model/Placeholder", "model/Sigmoid", further=hidden),
        "classifier": Case(musicnn(fine_tuned(variables, 12)), "model/Placeholder", "model/Sigmoid", further=hidden),
    }
