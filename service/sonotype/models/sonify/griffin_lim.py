"""Log-mel to samples without a trained network, the same result every time, and block by block.

Magnitudes by non-negative least squares, phases of steady tones, and a few iterations of Griffin & Lim (1984). From
such phases 4 iterations come as near to the log-mel as 32 from random ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from sonotype.models.frontend.logmel import LogMel
from sonotype.models.sonify.mel import linear_power
from sonotype.models.sonify.spectra import Phases, analyse, overlap_add, reach

ITERATIONS = 8
# always the same pieces, so that what is asked for first does not change how numbers are rounded
_PIECE = 64


class FirstGuess:
    """Complex spectra for log-mel, made as far as they are asked for: a frame depends on those before it alone.

    Args:
        frontend: that made the log-mel.
        mel: shape [B, frames, n_mels].
    """

    def __init__(self, frontend: LogMel, mel: Tensor) -> None:
        self._frontend = frontend
        self._mel = mel
        self._phases = Phases(frontend.spec.hop_length)
        self._made: list[Tensor] = []

    def until(self, end: int) -> Tensor:
        """Spectra of the first `end` frames, shape [B, end, bins]."""
        while len(self._made) * _PIECE < end:
            first = len(self._made) * _PIECE
            magnitude = linear_power(self._frontend, self._mel[:, first : first + _PIECE]).transpose(-1, -2).sqrt()
            self._made.append(torch.polar(magnitude, self._phases.following(magnitude)))
        return torch.cat(self._made, dim=1)[:, :end]


def first_guess(frontend: LogMel, mel: Tensor) -> Tensor:
    """Complex spectra [B, frames, bins] for log-mel [B, frames, n_mels], whole."""
    return FirstGuess(frontend, mel).until(mel.shape[1])


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
    guess = FirstGuess(frontend, mel)
    context = (1 + iterations) * reach(len(window), hop)

    def make(first: int, last: int) -> Tensor:
        return overlap_add(refine(guess.until(last)[:, first:], window, hop, iterations), window, hop)[0]

    return blocks(make, mel.shape[1], block_frames, context, hop)


def blocks(
    make: Callable[[int, int], Tensor], frames: int, block_frames: int, context: int, hop: int
) -> Iterator[Tensor]:
    """Make a segment block by block, each with enough context to be what it is in the whole.

    The first block is made in two parts, a quarter and the rest, so that the first samples come early.

    Args:
        make: samples of the frames from the first number up to the second.
        frames: of the segment.
        block_frames: of a block, after the first.
        context: frames to each side that samples depend on.
        hop: samples of a frame.

    Yields:
        Samples, shape [block_frames * hop] but for the two parts of the first block and a last one that is shorter.
    """
    edges = sorted({0, block_frames // 4, *range(0, frames, block_frames), frames})
    for start, end in pairwise(edge for edge in edges if edge <= frames):
        first, last = max(0, start - context), min(frames, end + context)
        yield make(first, last)[(start - first) * hop : (end - first) * hop]
