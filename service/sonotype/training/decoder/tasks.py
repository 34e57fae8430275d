"""The two networks that are trained: the flow and the vocoder."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from sonotype.models.sonify.codec import PatchCodec
from sonotype.models.sonify.flow import FlowTransformer
from sonotype.models.sonify.options import FlowMelOptions
from sonotype.models.sonify.vocoder import Vocoder
from sonotype.training.decoder.batches import CropSampler, SegmentSampler, random_of
from sonotype.training.decoder.corpus import Corpus
from sonotype.training.decoder.losses import SpectralLoss

_VALIDATION_SEED = 10**9
_CROP_FRAMES = 64
_SCALE_FLOOR = 0.05


class FlowTask:
    """Rectified flow on latents (see `models.sonify.flow`), with the condition dropped now and then for guidance.

    Times are drawn as sigmoid(N(0, 1)) (Esser et al. 2024, arXiv:2403.03206, section 3.1).

    Args:
        train: the corpus to learn from.
        held_out: the corpus to validate on.
        codec: fitted.
        options: of the decoder.
        seed: of everything random.
        batch: segments in a batch.
        drop: how often the condition is dropped.
    """

    def __init__(
        self,
        train: Corpus,
        held_out: Corpus,
        codec: PatchCodec,
        options: FlowMelOptions,
        *,
        seed: int,
        batch: int = 32,
        drop: float = 0.1,
    ) -> None:
        torch.manual_seed(seed)
        self.mean, self.scale = statistics(train)
        self.model: FlowTransformer = FlowTransformer(options, len(self.mean))
        self._codec, self._seed, self._batch, self._drop = codec, seed, batch, drop
        self._train, self._held_out = SegmentSampler(train, options), SegmentSampler(held_out, options)

    def loss(self, step: int) -> Tensor:
        """Mean squared error of the velocity, components weighted by their standard deviation."""
        return self._loss(self.model, self._train, random_of(self._seed, step), self._batch, self._drop)

    @torch.no_grad()
    def validate(self, model: nn.Module) -> float:
        """The same error on a fixed batch held out, nothing dropped."""
        assert isinstance(model, FlowTransformer)  # noqa: S101
        return float(self._loss(model, self._held_out, random_of(_VALIDATION_SEED, 0), 256, 0.0))

    def _loss(
        self, model: FlowTransformer, sampler: SegmentSampler, random: np.random.Generator, size: int, drop: float
    ) -> Tensor:
        segments = sampler.draw(random, size)
        data = self._codec.encode(segments.mel)
        condition = (segments.embedding - self.mean) / self.scale
        noise = torch.from_numpy(random.standard_normal(data.shape, dtype=np.float32))
        t = torch.from_numpy(random.standard_normal(size, dtype=np.float32)).sigmoid()
        dropped = torch.from_numpy(random.random(size) < drop)
        x = torch.lerp(noise, data, t[:, None, None])
        with torch.autocast("cpu", torch.bfloat16):
            velocity = model(x, t, model.embed(condition, dropped))
        # the first components are most of what one hears; alike weights would spend the network on the last ones
        weight = self._codec.scale / self._codec.scale.mean()
        error: Tensor = ((velocity.float() - (data - noise)).square() * weight).mean()
        return error


class VocoderTask:
    """Samples from log-mel, judged by their spectrograms.

    Half of the crops pass through the codec first, because that is what the vocoder will be given.

    Args:
        train: the corpus to learn from.
        held_out: the corpus to validate on.
        codec: fitted.
        options: of the decoder.
        seed: of everything random.
        batch: crops in a batch.
    """

    def __init__(
        self,
        train: Corpus,
        held_out: Corpus,
        codec: PatchCodec,
        options: FlowMelOptions,
        *,
        seed: int,
        batch: int = 8,
    ) -> None:
        torch.manual_seed(seed)
        self.model: Vocoder = Vocoder(options)
        hop = options.mel.hop_length
        self._train, self._held_out = CropSampler(train, _CROP_FRAMES, hop), CropSampler(held_out, _CROP_FRAMES, hop)
        self._codec, self._seed, self._batch = codec, seed, batch
        self._distance = SpectralLoss(options)
        sample, _ = self._train.draw(random_of(seed, -1 % 2**32), 64)
        self.model.mean.fill_(float(sample.mean()))
        self.model.scale.fill_(float(sample.std()))

    def loss(self, step: int) -> Tensor:
        """Distance of a batch, half of it through the codec."""
        mel, samples = self._train.draw(random_of(self._seed, step), self._batch)
        return self._loss(self.model, self._through_codec(mel, self._batch // 2), samples)

    @torch.no_grad()
    def validate(self, model: nn.Module) -> float:
        """The same on a fixed batch held out, all of it through the codec."""
        mel, samples = self._held_out.draw(random_of(_VALIDATION_SEED, 1), 64)
        return float(self._loss(model, self._through_codec(mel, len(mel)), samples))

    def _loss(self, model: nn.Module, mel: Tensor, samples: Tensor) -> Tensor:
        assert isinstance(model, Vocoder)  # noqa: S101
        guess = model.guess(mel)
        with torch.autocast("cpu", torch.bfloat16):
            made = model.correct(mel, guess)
        distance: Tensor = self._distance(made, samples)
        return distance

    def _through_codec(self, mel: Tensor, count: int) -> Tensor:
        return torch.cat((self._codec.decode(self._codec.encode(mel[:count])), mel[count:]))


def statistics(corpus: Corpus) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the embeddings, each of shape [dim].

    A dimension that hardly ever moves gets a floor, so that it does not shout when it does.
    """
    embeddings = np.asarray(corpus.embeddings, dtype=np.float64)
    scale = embeddings.std(axis=0)
    scale = np.maximum(scale, _SCALE_FLOOR * np.median(scale[scale > 0.0]))
    return torch.from_numpy(embeddings.mean(axis=0)).float(), torch.from_numpy(scale).float()
