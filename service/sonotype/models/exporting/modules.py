"""Whole models as modules that export: samples, or log-mel, to scores and embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, conv2d

from sonotype.core.types import Patchout
from sonotype.models.card_parts import FrontendSpec
from sonotype.models.frontend.constants import hann_window, mel_filters
from sonotype.models.heads.transfer import TransferHead
from sonotype.models.nets.maest import MAEST, MEL_MEAN, MEL_STD
from sonotype.models.nets.patchout import STRIDE


class DftLogMel(nn.Module):
    """`frontend.logmel.LogMel` with the Fourier transform as one convolution: exact, and every ONNX engine has it.

    Args:
        spec: constants of the front end.
    """

    basis: Tensor
    filters: Tensor

    def __init__(self, spec: FrontendSpec) -> None:
        super().__init__()
        self.spec = spec
        angle = 2 * np.pi / spec.n_fft * np.outer(np.arange(spec.n_fft // 2 + 1), np.arange(spec.n_fft))
        waves = np.concatenate([np.cos(angle), np.sin(angle)]) * hann_window(spec)
        self.register_buffer("basis", torch.from_numpy(waves).float()[:, None], persistent=False)
        self.register_buffer("filters", torch.from_numpy(mel_filters(spec)).float(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Map [B, (frames - 1) * hop_length + n_fft] to log-mel [B, frames, n_mels]."""
        real, imaginary = conv1d(samples[:, None], self.basis, stride=self.spec.hop_length).chunk(2, dim=1)
        power = (real.square() + imaginary.square()).transpose(1, 2)
        return torch.log10(1.0 + self.spec.log_scale * (power @ self.filters))


class PatchedMAEST(nn.Module):
    """MAEST with one patchout for good, without anything that depends on the length of the input.

    Args:
        net: the network.
        patchout: steps along both axes.

    Raises:
        ValueError: a patchout by counts or by chance, whose places depend on the length.
    """

    def __init__(self, net: MAEST, patchout: Patchout) -> None:
        super().__init__()
        if patchout.time_drop or patchout.freq_drop or patchout.seed is not None:
            raise ValueError("only a patchout by steps can be exported")
        self.net = net
        self.rows, self.columns = patchout.freq_every, patchout.time_every

    def forward(self, mel: Tensor) -> dict[str, Tensor]:
        """As `MAEST.forward`."""
        net, proj = self.net, self.net.patch_embed.proj
        image = ((mel - MEL_MEAN) / (2 * MEL_STD)).transpose(1, 2)[:, None]
        # a convolution at larger steps computes the patches that stay and no others
        x = conv2d(image, proj.weight, proj.bias, stride=(STRIDE * self.rows, STRIDE * self.columns))
        times = net.time_new_pos_embed[:, :, :, :: self.columns][:, :, :, : x.shape[3]]
        x = (x + times + net.freq_new_pos_embed[:, :, :: self.rows]).flatten(2).transpose(1, 2)
        extra = torch.cat([net.cls_token, net.dist_token], dim=1) + net.new_pos_embed
        x = torch.cat([extra.expand(mel.shape[0], -1, -1), x], dim=1)
        return net.outputs(*net.transform(x))


class HeadModule(nn.Module):
    """A transfer head: embeddings [B, D] to predictions [B, C].

    Args:
        head: in NumPy.
    """

    mean: Tensor | None
    scale: Tensor | None

    def __init__(self, head: TransferHead) -> None:
        super().__init__()
        self.task, self.temperature = head.card.task, head.card.temperature
        mean, scale = head.normalisation
        self.register_buffer("mean", None if mean is None else torch.from_numpy(mean.copy()))
        self.register_buffer("scale", None if scale is None else torch.from_numpy(scale.copy()))
        self.layers = nn.ModuleList(_linear(layer.weight, layer.bias) for layer in head.layers)
        self.rectified = [spec.activation == "relu" for spec in head.card.layers]

    def forward(self, embedding: Tensor) -> Tensor:
        """Predict; see `TransferHead.predict`."""
        x = embedding
        if self.mean is not None and self.scale is not None:
            x = (x - self.mean) * self.scale
        for layer, rectified in zip(self.layers, self.rectified, strict=True):
            x = cast(Tensor, layer(x))
            x = x.relu() if rectified else x
        if self.task == "regression":
            return x
        x = x / self.temperature
        return x.sigmoid() if self.task == "multilabel" else x.softmax(dim=1)


class Whole(nn.Module):
    """A front end, a network and maybe a head, with a tuple of outputs.

    Args:
        front: samples to log-mel; None where log-mel comes in.
        net: log-mel to outputs by name.
        outputs: names of those that are given out, in order.
        head: on the embedding `embedding`; its output stands first.
        embedding: what the head reads.
    """

    def __init__(
        self,
        front: nn.Module | None,
        net: nn.Module,
        outputs: Sequence[str],
        head: nn.Module | None = None,
        embedding: str = "",
    ) -> None:
        super().__init__()
        self.front, self.net, self.head = front, net, head
        self.names, self.embedding = tuple(outputs), embedding

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Run everything."""
        found = self.net(x if self.front is None else self.front(x))
        first = () if self.head is None else (self.head(found[self.embedding]),)
        return *first, *(found[name] for name in self.names)


def _linear(weight: np.ndarray, bias: np.ndarray) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.copy()))
        layer.bias.copy_(torch.from_numpy(bias.copy()))
    return layer
