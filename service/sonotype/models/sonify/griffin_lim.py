"""Log-mel to samples without a trained network, the same result every time, and block by block.

Magnitudes by non-negative least squares, phases of steady tones, and a few iterations of Griffin & Lim (1984). From
such phases 4 iterations come as near to the log-mel as 32 from random ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from sonotype.models.frontend.logmel import LogMel
from sonotype.models.sonify.mel import linear_power
from sonotype.models.sonify.spectra import analyse, overlap_add, reach, running_phases

ITERATIONS = 8


def first_guess(frontend: LogMel, mel: Tensor) -> Tensor:
    """Complex spectra [B, frames, bins] for log-mel [B, frames, n_mels]; a frame depends on all before it."""
    magnitude = linear_power(frontend, mel).transpose(-1, -2).sqrt()
    return torch.polar(magnitude, running_phases(magnitude, frontend.spec.hop_length))


def refine(spectra: Tensor, window: Tensor, hop: int, iterations: int) -> Tensor:
    """Keep the magnitudes and make the phases consistent; a frame depends on `iterations * reach` to each side."""
    magnitude = spectra.abs()
    for _ in range(iterations):
        spectra = torch.polar(magnitude, analyse(overlap_add(spectra, window, hop), window, hop).angle())
    return spectra


def griffin_lim(frontend: LogMel, mel: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """Map log-mel [B, frames, n_mels] to samples [B, frames * hop_length]."""
    window, hop = frontend.window, frontend.spec.hop_length
    return overlap_add(refine(first_guess(frontend, mel), window, hop, iterations), window, hop)


def stream(frontend: LogMel, mel: Tensor, block_frames: int, iterations: int = ITERATIONS) -> Iterator[Tensor]:
    """`griffin_lim` of one segment [1, frames, n_mels], block by block."""
    window, hop = frontend.window, frontend.spec.hop_length
    spectra = first_guess(frontend, mel)
    context = (1 + iterations) * reach(len(window), hop)

    def make(first: int, last: int) -> Tensor:
        return overlap_add(refine(spectra[:, first:last], window, hop, iterations), window, hop)[0]

    return blocks(make, mel.shape[1], block_frames, context, hop)


def blocks(
    make: Callable[[int, int], Tensor], frames: int, block_frames: int, context: int, hop: int
) -> Iterator[Tensor]:
    """Make a segment block by block, each with enough context to be what it is in the whole.

    Args:
        make: samples of the frames from the first number up to the second.
        frames: of the segment.
        block_frames: of a block.
        context: frames to each side that samples depend on.
        hop: samples of a frame.

    Yields:
        Samples, shape [block_frames * hop]; the last block may be shorter.
    """
    for start in range(0, frames, block_frames):
        end = min(start + block_frames, frames)
        first, last = max(0, start - context), min(frames, end + context)
        yield make(first, last)[(start - first) * hop : (end - first) * hop]
