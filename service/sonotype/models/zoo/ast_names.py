"""Between MAEST's parameters and those of `transformers`' ASTForAudioClassification, the layout at Hugging Face.

The two networks are the same function with one difference: the published configuration uses an epsilon of 1e-6 in every
norm, while the norm inside MAEST's own head was trained with 1e-5. The second classifier (`head_dist`) does not exist
there. AST keeps one table of positions, MAEST the sum of two: see `positions`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from sonotype.core.types import Floats
from sonotype.models.weights.base import corrupt
from sonotype.models.zoo.maest_state import State
from sonotype.models.zoo.positions import join, split

BASE = "audio_spectrogram_transformer"
CLASSIFIER = "classifier."
POSITIONS = f"{BASE}.embeddings.position_embeddings"
TOKENS = (f"{BASE}.embeddings.cls_token", f"{BASE}.embeddings.distillation_token")
_SINGLE = {
    "cls_token": TOKENS[0],
    "dist_token": TOKENS[1],
    "patch_embed.proj": f"{BASE}.embeddings.patch_embeddings.projection",
    "norm": f"{BASE}.layernorm",
    "head.0": f"{CLASSIFIER}layernorm",
    "head.1": f"{CLASSIFIER}dense",
}
_BLOCK = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}
_QKV = ("attention.attention.query", "attention.attention.key", "attention.attention.value")
# release 5 of transformers renames modules in memory, and so in graphs, but not in the files it writes
_NEW = {
    "attention.q_proj": _QKV[0],
    "attention.k_proj": _QKV[1],
    "attention.v_proj": _QKV[2],
    "attention.o_proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}
_LAYER = re.compile(rf"^({BASE})\.(?:encoder\.layer|layers)\.(\d{{1,3}})\.(.+)\.(weight|bias)$")


def is_ast(state: Mapping[str, object]) -> bool:
    """Whether names are AST's."""
    return any(name.startswith(BASE + ".") for name in state)


def canonical(name: str) -> str:
    """The name that files have, of a parameter by any release's name."""
    match = _LAYER.match(name)
    if match is None:
        return name
    base, number, part, kind = match.groups()
    return f"{base}.encoder.layer.{number}.{_NEW.get(part, part)}.{kind}"


def to_ast(state: Mapping[str, Floats]) -> State:
    """MAEST's parameters as AST's; what AST has no place for (`head_dist`) is left out."""
    found: State = {POSITIONS: join(*(state[f"{part}new_pos_embed"] for part in ("", "freq_", "time_")))}
    for name, array in state.items():
        match = re.match(r"^blocks\.(\d+)\.(.+)\.(weight|bias)$", name)
        if match is None:
            for ours, theirs in _SINGLE.items():
                if name == ours or name.startswith(f"{ours}."):
                    found[theirs + name.removeprefix(ours)] = array
        elif match[2] == "attn.qkv":
            for part, third in zip(_QKV, np.split(array, 3), strict=True):
                found[f"{BASE}.encoder.layer.{match[1]}.{part}.{match[3]}"] = third
        else:
            found[f"{BASE}.encoder.layer.{match[1]}.{_BLOCK[match[2]]}.{match[3]}"] = array
    return found


def from_ast(state: Mapping[str, Floats], what: str) -> State:
    """AST's parameters as MAEST's, without `head_dist`; names of AST that are unknown are kept and refused later.

    Args:
        state: parameters by AST's names, of any release.
        what: they came from, for messages.

    Raises:
        SonotypeError: `weights_corrupt` for a table of positions that no MAEST can have, or incomplete attention.
    """
    given = {canonical(name): array for name, array in state.items()}
    if len(given) != len(state):
        raise corrupt(f"{what}: two tensors have the same meaning.")
    if POSITIONS not in given:
        raise corrupt(f"{what}: there is no tensor {POSITIONS!r}.")
    tokens, freq, time = split(given.pop(POSITIONS), what)
    found: State = {"new_pos_embed": tokens, "freq_new_pos_embed": freq, "time_new_pos_embed": time}
    attention: dict[tuple[str, str], dict[str, Floats]] = {}
    for name, array in given.items():
        match = _LAYER.match(name)
        if match is not None and match[3] in _QKV:
            attention.setdefault((match[2], match[4]), {})[match[3]] = array
        else:
            found[_ours(name)] = array
    return found | {f"blocks.{n}.attn.qkv.{kind}": _joined(parts, what) for (n, kind), parts in attention.items()}


def _ours(name: str) -> str:
    """MAEST's name of one of AST's parameters, or the name itself."""
    match = _LAYER.match(name)
    if match is not None:
        parts = {theirs: ours for ours, theirs in _BLOCK.items()}
        return f"blocks.{match[2]}.{parts[match[3]]}.{match[4]}" if match[3] in parts else name
    for ours, theirs in _SINGLE.items():
        if name == theirs or name.startswith(f"{theirs}."):
            return ours + name.removeprefix(theirs)
    return name


def _joined(parts: Mapping[str, Floats], what: str) -> Floats:
    if set(parts) != set(_QKV) or len({part.shape for part in parts.values()}) != 1:
        raise corrupt(f"{what}: a block lacks a query, key or value, or they differ in shape.")
    return np.concatenate([parts[name] for name in _QKV])
