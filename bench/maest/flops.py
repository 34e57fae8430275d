"""Operations of a MAEST, counted: a multiplication and an addition are two."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sonotype.core.types import Patchout
from sonotype.models.nets.maest import EXTRA_TOKENS, MAEST
from sonotype.models.nets.patchout import SIDE


@dataclass(frozen=True, slots=True)
class Size:
    """What the count depends on besides the number of tokens."""

    width: int = 768
    depth: int = 12
    labels: int = 400

    @classmethod
    def of(cls, net: MAEST) -> Size:
        """The size of a network."""
        return cls(net.cls_token.shape[2], len(net.blocks), len(net.head[1].get_parameter("bias")))


def as_published(tokens: int, size: Size) -> int:
    """Every token goes through every block: 24 N D² for dense layers, 4 N² D for attention."""
    block = 24 * tokens * size.width**2 + 4 * tokens**2 * size.width
    return size.depth * block + _ends(tokens, size)


def executed(tokens: int, size: Size) -> int:
    """As ours computes it: after the last block nobody looks at the patches, so that only keys and values are made."""
    block = 24 * tokens * size.width**2 + 4 * tokens**2 * size.width
    asking = 20 * EXTRA_TOKENS * size.width**2 + 4 * EXTRA_TOKENS * tokens * size.width
    return (size.depth - 1) * block + 4 * tokens * size.width**2 + asking + _ends(tokens, size)


def _ends(tokens: int, size: Size) -> int:
    embedding = 2 * SIDE * SIDE * size.width * (tokens - EXTRA_TOKENS)
    return embedding + 2 * size.width * size.labels


def counted(net: MAEST, mel: Tensor, patchout: Patchout | None = None) -> int:
    """What torch's counter sees in one pass; it does not know the fused attention of CPUs, so that is taken apart."""
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        net(mel, patchout)
    return int(counter.get_total_flops())
