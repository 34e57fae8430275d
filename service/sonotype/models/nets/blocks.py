"""The one building block that both families share."""

from __future__ import annotations

from torch import Tensor, nn

# the epsilon of the layers that the published networks were trained with (TensorFlow's default)
EPSILON = 1e-3


class ConvReluNorm(nn.Module):
    """Convolution, ReLU and batch norm in this order: the norm comes after the non-linearity.

    Args:
        conv: a convolution with bias, over time and mel (2-D) or over time (1-D).
    """

    def __init__(self, conv: nn.Conv1d | nn.Conv2d) -> None:
        super().__init__()
        norm = nn.BatchNorm2d if isinstance(conv, nn.Conv2d) else nn.BatchNorm1d
        self.conv = conv
        self.norm = norm(conv.out_channels, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, …] to [B, out_channels, …]."""
        out: Tensor = self.norm(self.conv(x).relu())
        return out
