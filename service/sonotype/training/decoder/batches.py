"""Training examples as a pure function of seed and step, so that an interrupted run goes on as if it had not been."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sonotype.models.sonify.options import FlowMelOptions
from sonotype.training.decoder.corpus import Corpus

# how often a segment starts exactly where its window does
_ALIGNED = 0.5


def random_of(seed: int, step: int) -> np.random.Generator:
    """The source of randomness of one step."""
    return np.random.default_rng([seed, step])


@dataclass(frozen=True)
class Segments:
    """Segments with the embedding of a window inside each.

    Attributes:
        mel: log-mel, shape [B, frames, n_mels].
        embedding: raw, shape [B, dim].
    """

    mel: Tensor
    embedding: Tensor


class SegmentSampler:
    """Draws windows, every label equally often, and a segment around each.

    Args:
        corpus: where from.
        options: of the decoder.
    """

    def __init__(self, corpus: Corpus, options: FlowMelOptions) -> None:
        self._corpus, self._frames = corpus, options.frames
        labels = np.asarray(corpus.label)[corpus.window_clip]
        self._by_label = [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def draw(self, random: np.random.Generator, size: int) -> Segments:
        """Draw `size` segments."""
        chosen = np.array([random.choice(self._by_label[i]) for i in random.integers(len(self._by_label), size=size)])
        starts = self._starts(random, chosen)
        mel = np.stack([self._corpus.mel[start : start + self._frames] for start in starts])
        return Segments(torch.from_numpy(mel).float(), torch.from_numpy(self._corpus.embeddings[chosen]))

    def _starts(self, random: np.random.Generator, windows: NDArray[np.int64]) -> NDArray[np.int64]:
        corpus = self._corpus
        clips, at = corpus.window_clip[windows], corpus.window_frame[windows]
        first, last = corpus.first[clips], corpus.first[clips] + corpus.count[clips] - self._frames
        early = random.integers(self._frames - corpus.window_frames + 1, size=len(windows))
        early[random.random(len(windows)) < _ALIGNED] = 0
        starts: NDArray[np.int64] = np.clip(at - early, first, last)
        return starts


class CropSampler:
    """Draws short crops of samples with their log-mel, every label equally often.

    Args:
        corpus: where from.
        frames: length of a crop.
        hop: samples of a frame.
    """

    def __init__(self, corpus: Corpus, frames: int, hop: int) -> None:
        self._corpus, self._frames, self._hop = corpus, frames, hop
        self._by_label = [np.flatnonzero(corpus.label == label) for label in np.unique(corpus.label)]

    def draw(self, random: np.random.Generator, size: int) -> tuple[Tensor, Tensor]:
        """Log-mel [size, frames, n_mels] and samples [size, frames * hop] of `size` crops."""
        mels, waves = [], []
        for label in random.integers(len(self._by_label), size=size):
            clip = random.choice(self._by_label[label])
            start = int(self._corpus.first[clip] + random.integers(self._corpus.count[clip] - self._frames + 1))
            mels.append(self._corpus.mel[start : start + self._frames])
            waves.append(self._corpus.samples[start * self._hop : (start + self._frames) * self._hop])
        samples = torch.from_numpy(np.stack(waves)).float() / 32767.0
        return torch.from_numpy(np.stack(mels)).float(), samples


def all_blocks(corpus: Corpus, options: FlowMelOptions, limit: int, random: np.random.Generator) -> Tensor:
    """Random tokens of log-mel for fitting the codec, flattened, shape [n, token_frames * n_mels]."""
    starts = random.integers(len(corpus.mel) - options.token_frames, size=min(limit, len(corpus.mel)))
    blocks = np.stack([corpus.mel[start : start + options.token_frames].ravel() for start in np.sort(starts)])
    return torch.from_numpy(blocks).float()
