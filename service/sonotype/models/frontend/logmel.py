"""Log-mel front end as a module: pre-processing is a part of the model and moves, casts and exports with it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sonotype.core.types import Fill
from sonotype.models.card_parts import FrontendSpec
from sonotype.models.frontend.constants import hann_window, mel_filters


class LogMel(nn.Module):
    """Samples to log-compressed mel power, `y = log10(1 + log_scale * mel)`, always in float32.

    The samples must already carry the padding of the clip's ends (`models.patches` does that), so that each patch
    can be computed alone. The networks were trained on mel power rounded to float16; that changes a tag by less
    than 1e-4, so it is left out here.

    Args:
        spec: constants of the front end, from the card.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, spec: FrontendSpec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("window", torch.from_numpy(hann_window(spec)).float(), persistent=False)
        self.register_buffer("filters", torch.from_numpy(mel_filters(spec)).float(), persistent=False)

    def forward(self, samples: Tensor, valid_frames: Tensor | None = None, fill: Fill = "repeat") -> Tensor:
        """Compute the patches of a batch of windows.

        Args:
            samples: mono audio in [-1, 1], shape [B, (frames - 1) * hop_length + n_fft].
            valid_frames: leading frames that hold audio, int64 of shape [B]; None means all of them.
            fill: what stands in the other frames, see `fill_frames`.

        Returns:
            Log-mel patches, time-major, shape [B, frames, n_mels].
        """
        frames = samples.float().unfold(-1, self.spec.n_fft, self.spec.hop_length)
        spectrum = torch.fft.rfft(frames * self.window)
        power = spectrum.real.square() + spectrum.imag.square()
        mel = torch.log10(1.0 + self.spec.log_scale * (power @ self.filters))
        return mel if valid_frames is None else fill_frames(mel, valid_frames, fill)


def fill_frames(mel: Tensor, valid_frames: Tensor, fill: Fill) -> Tensor:
    """Fill the frames after the valid ones.

    Args:
        mel: patches of shape [B, frames, n_mels].
        valid_frames: leading frames to keep, int64 of shape [B], each from 1 to frames.
        fill: `repeat` tiles the valid frames cyclically (Essentia's `lastPatchMode=repeat`), `pad` puts the
            log-mel of silence, which is 0.
    """
    position = torch.arange(mel.shape[1], device=mel.device)[None, :]
    valid = valid_frames.to(mel.device)[:, None]
    if fill == "pad":
        return mel * (position < valid)[:, :, None]
    source = (position % valid)[:, :, None].expand_as(mel)
    return mel.gather(1, source)
