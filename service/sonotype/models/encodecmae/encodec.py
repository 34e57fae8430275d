"""EnCodec 24 kHz: waveform to continuous latents, 75 a second, and back (Défossez et al. 2022, §3.1)."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from sonotype.models.encodecmae.config import EncodecConfig
from sonotype.models.encodecmae.conv import CausalConv, CausalUpsample
from sonotype.models.encodecmae.quantizer import ResidualQuantizer


class ResidualBlock(nn.Module):
    """Two convolutions through half the channels; the way around them is a learned 1x1 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = channels // 2
        self.block = nn.Sequential(nn.ELU(), CausalConv(channels, hidden, 3), nn.ELU(), CausalConv(hidden, channels, 1))
        self.shortcut = CausalConv(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out, [B, channels, n]."""
        y: Tensor = self.shortcut(x) + self.block(x)
        return y


class SkipLstm(nn.Module):
    """An LSTM whose output is added to its input."""

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, channels, layers)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out, [B, channels, n]."""
        steps = x.permute(2, 0, 1)
        y: Tensor = self.lstm(steps)[0] + steps
        return y.permute(1, 2, 0)


class Encoder(nn.Module):
    """Waveform to latents, before any quantisation."""

    def __init__(self, config: EncodecConfig) -> None:
        super().__init__()
        self.model = nn.Sequential(*_encoder_layers(config))

    def forward(self, x: Tensor) -> Tensor:
        """[B, 1, n] samples to [B, dim, ceil(n / hop)]."""
        latents: Tensor = self.model(x)
        return latents


class Decoder(nn.Module):
    """Latents, quantised or not, to waveform. Nothing bounds the output."""

    def __init__(self, config: EncodecConfig) -> None:
        super().__init__()
        self.model = nn.Sequential(*_decoder_layers(config))

    def forward(self, latents: Tensor) -> Tensor:
        """[B, dim, frames] to [B, 1, frames * hop]; from the seventh frame on, later ones change no earlier sample."""
        x: Tensor = self.model(latents)
        return x


class Encodec(nn.Module):
    """The whole codec, with the names of `encodec_24khz-d7cc33bc.th`."""

    def __init__(self, config: EncodecConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quantizer = ResidualQuantizer(config.dim, config.codebooks, config.codebook_size)


def _encoder_layers(config: EncodecConfig) -> Iterator[nn.Module]:
    channels = config.filters
    yield CausalConv(1, channels, 7)
    for stride in config.strides:
        yield ResidualBlock(channels)
        yield nn.ELU()
        yield CausalConv(channels, 2 * channels, 2 * stride, stride)
        channels *= 2
    yield SkipLstm(channels, config.lstm_layers)
    yield nn.ELU()
    yield CausalConv(channels, config.dim, 7)


def _decoder_layers(config: EncodecConfig) -> Iterator[nn.Module]:
    channels = config.widest
    yield CausalConv(config.dim, channels, 7)
    yield SkipLstm(channels, config.lstm_layers)
    for stride in reversed(config.strides):
        yield nn.ELU()
        yield CausalUpsample(channels, channels // 2, 2 * stride, stride)
        channels //= 2
        yield ResidualBlock(channels)
    yield nn.ELU()
    yield CausalConv(channels, 1, 7)
