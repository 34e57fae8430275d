"""The VGG tagger published beside MusiCNN: five small convolutions, pooled to 256 numbers, one dense layer."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from sonotype.models.nets.blocks import EPSILON, ConvReluNorm

FILTERS = 128
FLATTEN = 256
FRAMES = 187

Pooling = Literal["msd", "mtt"]

# (kernel, stride) over (time, mel) after each block. `msd` is what the graph stored beside the MSD checkpoint does;
# the code published with it pools that checkpoint like `mtt`: the shapes agree, the tags do not.
_POOLS: dict[Pooling, list[tuple[tuple[int, int], tuple[int, int]]]] = {
    "msd": [((4, 1), (4, 1)), ((1, 4), (1, 4)), ((2, 2), (2, 2)), ((2, 2), (2, 2)), ((4, 4), (4, 4))],
    "mtt": [((4, 1), (2, 2)), ((2, 2), (2, 2)), ((2, 2), (2, 2)), ((2, 2), (2, 2)), ((4, 4), (4, 4))],
}


class VGG(nn.Module):
    """Log-mel patch to tags.

    Args:
        n_labels: number of tags.
        pooling: the pooling plan that the weights were trained with.
    """

    def __init__(self, n_labels: int = 50, pooling: Pooling = "msd") -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm2d(1, eps=EPSILON)
        self.blocks = nn.ModuleList(_block(1 if i == 0 else FILTERS) for i in range(5))
        self.pools = nn.ModuleList(nn.MaxPool2d(kernel, stride) for kernel, stride in _POOLS[pooling])
        self.output = nn.Linear(FLATTEN, n_labels)

    def forward(self, mel: Tensor) -> dict[str, Tensor]:
        """Run the network.

        Args:
            mel: log-mel patches, time-major, shape [B, 187, 96]; another number of frames does not fit.

        Returns:
            `tags` [B, n_labels] in 0…1 and `flatten` [B, 256], the input of the only dense layer.
        """
        x = self.input_norm(mel[:, None])
        for block, pool in zip(self.blocks, self.pools, strict=True):
            x = pool(block(x))
        # the dense layer was trained on (time, mel, channel) order
        flatten = x.permute(0, 2, 3, 1).flatten(1)
        return {"tags": self.output(flatten).sigmoid(), "flatten": flatten}


def _block(channels: int) -> nn.Module:
    return ConvReluNorm(nn.Conv2d(channels, FILTERS, 3, padding=1))
