"""The published package as an oracle: the same random weights in it and in ours, and what it says about a patch.

`maest-infer` is AGPL-3.0: it is called here and in tests, and never by anything that is served.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
from maest_infer import get_maest
from torch import Tensor, nn

from sonotype.core.types import Patchout
from sonotype.models.nets.maest import MAEST, MEL_MEAN, MEL_STD, ROWS
from sonotype.models.nets.patchout import grid_size, kept

ARCHITECTURES = {
    5: "discogs-maest-5s-pw-129e",
    10: "discogs-maest-10s-pw-129e",
    20: "discogs-maest-20s-pw-129e",
    30: "discogs-maest-30s-pw-129e-519l",
}
COLUMNS = {5: 31, 10: 62, 20: 125, 30: 187}
LABELS = {5: 400, 10: 400, 20: 400, 30: 519}
_SWITCHES = ("s_patchout_t_interleaved", "s_patchout_f_interleaved", "s_patchout_t_indices", "s_patchout_f_indices")


def make_pair(seconds: int, depth: int = 12, seed: int = 0) -> tuple[nn.Module, MAEST]:
    """The oracle of a length and ours, with the same random weights and so many of twelve blocks, to be evaluated."""
    labels, columns = LABELS[seconds], COLUMNS[seconds]
    with _no_initialisation():
        oracle: nn.Module = get_maest(ARCHITECTURES[seconds], pretrained=False).eval().requires_grad_(False)
        ours = MAEST(labels, columns=columns, depth=depth, blocks=range(1, depth + 1)).eval().requires_grad_(False)
    oracle.blocks = nn.Sequential(*list(oracle.blocks)[:depth])  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in oracle.named_parameters():
        gain = 1.0 if name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "head.0.weight")) else 0.0
        parameter.normal_(0.0, 0.03, generator=generator).add_(gain)
    state = oracle.state_dict()
    ours.load_state_dict({name: value for name, value in state.items() if not name.startswith("melspectrogram")})
    return oracle, ours


def normalised(mel: Tensor) -> Tensor:
    """Our log-mel [B, frames, 96] as the oracle takes it: normalised, [B, 96, frames]."""
    return ((mel - MEL_MEAN) / (2 * MEL_STD)).transpose(1, 2)


def leave_out(oracle: Any, frames: int, patchout: Patchout | None) -> None:
    """Set the oracle's own switches: steps where there are only steps, else the indices to be left out."""
    for switch in _SWITCHES:
        setattr(oracle, switch, () if switch.endswith("indices") else 0)
    if patchout is None:
        return
    if not patchout.time_drop and not patchout.freq_drop:
        oracle.s_patchout_t_interleaved = patchout.time_every if patchout.time_every > 1 else 0
        oracle.s_patchout_f_interleaved = patchout.freq_every if patchout.freq_every > 1 else 0
        return
    columns = grid_size(frames)
    stay = kept(ROWS, columns, patchout)
    oracle.s_patchout_t_indices = sorted(set(range(columns)) - set(stay.columns.tolist()))
    oracle.s_patchout_f_indices = sorted(set(range(ROWS)) - set(stay.rows.tolist()))


def ask(oracle: Any, mel: Tensor, patchout: Patchout | None = None) -> dict[str, Tensor]:
    """`logits`, `last` and every `block{n}` of the oracle, from one pass.

    Its interface gives one block per pass; what stands in `block{n}` is its definition of it on the tokens that a hook
    reads. `ask_block` asks the interface.
    """
    leave_out(oracle, mel.shape[1], patchout)
    seen: list[Tensor] = []
    hooks = [block.register_forward_hook(lambda _, __, out: seen.append(out)) for block in oracle.blocks]
    logits, last = oracle(normalised(mel), melspectrogram_input=True)
    for hook in hooks:
        hook.remove()
    stacks = {f"block{n}": torch.cat([x[:, 0], x[:, 1], x[:, 2:].mean(1)], dim=1) for n, x in enumerate(seen, start=1)}
    return {"logits": logits, "last": last, **stacks}


def ask_block(oracle: Any, mel: Tensor, number: int, patchout: Patchout | None = None) -> Tensor:
    """The embedding of a block, counted from 1, by the oracle's interface, which counts from 0."""
    leave_out(oracle, mel.shape[1], patchout)
    embedding: Tensor = oracle(normalised(mel), transformer_block=number - 1, melspectrogram_input=True)[1]
    return embedding


def answer(ours: MAEST, mel: Tensor, patchout: Patchout | None = None) -> dict[str, Tensor]:
    """The same of ours."""
    outputs = ours(mel, patchout)
    return {"logits": ours.head(outputs["last"]), **outputs}


@contextmanager
def _no_initialisation() -> Iterator[None]:
    """Leave parameters as they come; filling 86 million of them takes longer than a forward pass."""
    names = ("kaiming_uniform_", "uniform_", "trunc_normal_", "normal_")
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(mock.patch.object(nn.init, name, _as_it_is))
        yield


def _as_it_is(tensor: Tensor, *_: object, **__: object) -> Tensor:
    return tensor
