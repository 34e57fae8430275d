"""The prototype network as it is trained; what it learns is read by `models.heads.prototypes`."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from sonotype.core.types import Floats
from sonotype.training.prototypes.options import PrototypeOptions


class Judgement(NamedTuple):
    """What the network makes of a batch.

    Attributes:
        logits: shape [B, C].
        distances: to every prototype, in units, shape [B, M].
    """

    logits: Tensor
    distances: Tensor


class PrototypeNetwork(nn.Module):
    """Prototypes, kernels and a linear layer (arXiv:2402.09318, equations 1 to 3).

    Distances are squared and in units: `unit` is one over the dimension for the published variant, otherwise one over
    the median squared distance from a training segment to its nearest first prototype. With the published unit all
    similarities lie near one, the kernel is almost linear, and prototypes of a class become interchangeable.

    Args:
        prototypes: first prototypes, shape [M, D].
        owners: class of each, shape [M].
        n_classes: C.
        unit: factor of squared distances.
        options: see there.
    """

    owners: Tensor
    pairs: Tensor

    def __init__(
        self, prototypes: Floats, owners: Tensor, n_classes: int, unit: float, options: PrototypeOptions
    ) -> None:
        super().__init__()
        self.unit = unit
        self._free = options.free_weights
        self.prototypes = nn.Parameter(torch.as_tensor(prototypes, dtype=torch.float32).clone())
        self.register_buffer("owners", owners)
        pairs = torch.triu(owners[:, None] == owners[None], diagonal=1).nonzero()
        self.register_buffer("pairs", pairs, persistent=False)
        self.log_gamma = nn.Parameter(torch.zeros(len(prototypes)), requires_grad=options.gamma == "learned")
        self.linear = nn.Linear(len(prototypes), n_classes)
        with torch.no_grad():
            self.linear.weight.copy_(owners[None] == torch.arange(n_classes)[:, None])
            self.linear.bias.zero_()
        self.adaptor = _Adaptor(prototypes.shape[1]) if options.adaptor == "mlp" else nn.Identity()

    def placed(self) -> Tensor:
        """The prototypes after the adaptor, shape [M, D]."""
        placed: Tensor = self.adaptor(self.prototypes)
        return placed

    def gamma(self) -> Tensor:
        """Widths for squared distances that are not in units, shape [M]."""
        return self.log_gamma.exp() * self.unit

    def keep_own_weights(self) -> None:
        """Set weights from prototypes to their own class that became negative to zero, unless training is as published.

        A prototype that speaks against its own class would be none.
        """
        if self._free:
            return
        with torch.no_grad():
            weight = self.linear.weight
            places = self.owners, torch.arange(weight.shape[1])
            weight[places] = weight[places].clamp(min=0.0)

    def forward(self, z: Tensor) -> Judgement:
        """Judge normalised embeddings, shape [B, D]."""
        placed = self.placed()
        squared = z.square().sum(1, keepdim=True) - 2.0 * z @ placed.T + placed.square().sum(1)
        distances = self.unit * squared.clamp(min=0.0)
        return Judgement(self.linear(torch.exp(-self.log_gamma.exp() * distances)), distances)


class _Adaptor(nn.Module):
    """A residual step shared by all prototypes; it begins as the identity.

    The published one is a transformer layer over sequences of length one, where attention does nothing.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        last = nn.Linear(2 * dim, dim)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.step = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), last)

    def forward(self, prototypes: Tensor) -> Tensor:
        moved: Tensor = prototypes + self.step(prototypes)
        return moved
