"""MusiCNN (Pons and Serra, 2019): musically motivated filters for tagging, in its plain reference form.

The graph was read from the published checkpoints and the paper (arXiv 1909.06654); padding, order of layers and
order of the pooled features are exact, so that converted weights give the published outputs to about 1e-6.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sonotype.models.nets.blocks import EPSILON, ConvReluNorm

N_MELS = 96
TIMBRAL_BANDS = (38, 67)  # 40 % and 70 % of the mel bands
TIMBRAL_FILTERS = 204
TEMPORAL_FRAMES = (128, 64, 32)
TEMPORAL_FILTERS = 51
MID_FILTERS = 64
FRONT_CHANNELS = len(TIMBRAL_BANDS) * TIMBRAL_FILTERS + len(TEMPORAL_FRAMES) * TEMPORAL_FILTERS  # 561
POOLED_CHANNELS = FRONT_CHANNELS + 3 * MID_FILTERS  # 753
HIDDEN = 200


class MusiCNN(nn.Module):
    """Log-mel patch to tags and embeddings.

    Args:
        n_labels: number of tags.
    """

    def __init__(self, n_labels: int = 50) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm2d(1, eps=EPSILON)
        self.timbral = nn.ModuleList(_timbral(bands) for bands in TIMBRAL_BANDS)
        self.temporal = nn.ModuleList(_temporal(frames) for frames in TEMPORAL_FRAMES)
        self.mid = nn.ModuleList(_mid(channels) for channels in (FRONT_CHANNELS, MID_FILTERS, MID_FILTERS))
        self.pool_norm = nn.BatchNorm1d(2 * POOLED_CHANNELS, eps=EPSILON)
        self.hidden = nn.Linear(2 * POOLED_CHANNELS, HIDDEN)
        self.hidden_norm = nn.BatchNorm1d(HIDDEN, eps=EPSILON)
        self.output = nn.Linear(HIDDEN, n_labels)

    def forward(self, mel: Tensor) -> dict[str, Tensor]:
        """Run the network.

        Args:
            mel: log-mel patches, time-major, shape [B, frames, 96]; any number of frames, trained with 187.

        Returns:
            `tags` [B, n_labels] in 0…1, `penultimate` [B, 200] (after its batch norm), `mean` and `max` [B, 753]
            (the 561 front-end and 192 mid-end channels pooled over time), `hidden` [B, 200] (before ReLU and batch
            norm; what Essentia calls the embedding).
        """
        return self.head(self.front(mel))

    def front(self, mel: Tensor) -> Tensor:
        """The convolutions over the patch, shape [B, 561, frames]; every branch ends in the maximum over mel."""
        x = self.input_norm(mel[:, None])
        return torch.cat([branch(x).amax(dim=3) for branch in (*self.timbral, *self.temporal)], dim=1)

    def head(self, front: Tensor) -> dict[str, Tensor]:
        """All that follows `front`; outputs as in `forward`."""
        channels = self._channels(front)
        peak, mean = channels.amax(dim=2), channels.mean(dim=2)
        # the dense layer was trained on max and mean interleaved: max0, mean0, max1, mean1 …
        pooled = torch.stack([peak, mean], dim=2).flatten(1)
        hidden = self.hidden(self.pool_norm(pooled))
        penultimate = self.hidden_norm(hidden.relu())
        tags = self.output(penultimate).sigmoid()
        return {"tags": tags, "penultimate": penultimate, "mean": mean, "max": peak, "hidden": hidden}

    def _channels(self, front: Tensor) -> Tensor:
        """All features over time before pooling, shape [B, 753, frames]."""
        first = self.mid[0](front)
        second = self.mid[1](first) + first
        third = self.mid[2](second) + second
        return torch.cat([front, first, second, third], dim=1)


def _timbral(bands: int) -> nn.Module:
    """Seven frames by many bands: timbre at any pitch. Padded in time after the input norm, never in mel."""
    return ConvReluNorm(nn.Conv2d(1, TIMBRAL_FILTERS, (7, bands), padding=(3, 0)))


class _Temporal(ConvReluNorm):
    """Many frames by one band, with the asymmetric zero padding TensorFlow gives to even kernels."""

    def forward(self, x: Tensor) -> Tensor:
        before = (self.conv.kernel_size[0] - 1) // 2
        after = self.conv.kernel_size[0] - 1 - before
        return super().forward(nn.functional.pad(x, (0, 0, before, after)))


def _temporal(frames: int) -> nn.Module:
    return _Temporal(nn.Conv2d(1, TEMPORAL_FILTERS, (frames, 1)))


def _mid(channels: int) -> nn.Module:
    return ConvReluNorm(nn.Conv1d(channels, MID_FILTERS, 7, padding=3))
