"""Causal convolutions with weight normalisation, padded exactly as EnCodec pads them.

Source: EnCodec (Défossez et al. 2022, §3.1) and its state dict. The oracle is the package `encodec`, see
tests/models/test_encodecmae_codec.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class NormedWeight(nn.Module):
    """A kernel as direction and length, `w = g v / |v|`, the norm taken over all but the first dimension.

    For a transposed convolution the first dimension is the *input* channel.
    """

    def __init__(self, shape: tuple[int, int, int], outputs: int) -> None:
        super().__init__()
        self.weight_g = nn.Parameter(torch.empty(shape[0], 1, 1))
        self.weight_v = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(outputs))
        nn.init.kaiming_normal_(self.weight_v)
        nn.init.ones_(self.weight_g)
        nn.init.zeros_(self.bias)

    @property
    def weight(self) -> Tensor:
        """The kernel itself."""
        length = self.weight_v.flatten(1).norm(dim=1).view_as(self.weight_g)
        weight: Tensor = self.weight_v * (self.weight_g / length)
        return weight


class CausalConv(nn.Module):
    """1-d convolution whose output frame sees no later sample than its own stride's last.

    The left is padded by kernel - stride, the right so that the last window is full, both by reflection:
    n samples give ceil(n / stride) frames. Only the first frames see the future, in the mirror image before them.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = _Named("conv", NormedWeight((outputs, inputs, kernel), outputs))
        self._stride = stride
        self._left = kernel - stride

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, n] to [B, outputs, ceil(n / stride)]."""
        kernel = self.conv.child
        x = pad_reflect(x, self._left, -x.shape[-1] % self._stride)
        return functional.conv1d(x, kernel.weight, kernel.bias, stride=self._stride)


class CausalUpsample(nn.Module):
    """Transposed 1-d convolution; the kernel - stride samples that only later frames would complete are cut off."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.convtr = _Named("convtr", NormedWeight((inputs, outputs, kernel), outputs))
        self._stride = stride
        self._surplus = kernel - stride

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, n] to [B, outputs, n * stride]."""
        kernel = self.convtr.child
        y = functional.conv_transpose1d(x, kernel.weight, kernel.bias, stride=self._stride)
        return y[..., : y.shape[-1] - self._surplus]


class _Named(nn.Module):
    """One more level in the names of a state dict, as the published ones have it."""

    def __init__(self, name: str, child: NormedWeight) -> None:
        super().__init__()
        self.add_module(name, child)
        self._name = name

    @property
    def child(self) -> NormedWeight:
        """What the level holds."""
        found = self._modules[self._name]
        assert isinstance(found, NormedWeight), "set in the constructor"  # noqa: S101
        return found


def pad_reflect(x: Tensor, left: int, right: int) -> Tensor:
    """Mirror both ends without doubling the edge; a signal too short for that gets zeros at its end, cut off later.

    Args:
        x: shape [B, C, n].
        left: values to put before.
        right: values to put after.
    """
    missing = max(0, max(left, right) + 1 - x.shape[-1])
    padded = functional.pad(functional.pad(x, (0, missing)), (left, right), mode="reflect")
    return padded[..., : padded.shape[-1] - missing]
