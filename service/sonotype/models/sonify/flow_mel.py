"""Our decoder: an embedding steers a flow from noise to a log-mel segment, a vocoder turns that into samples."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor, nn

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.card import PrototypeCard
from sonotype.models.card_parts import DecoderSpec
from sonotype.models.sonify import griffin_lim
from sonotype.models.sonify.base import checked, go_on
from sonotype.models.sonify.codec import PatchCodec
from sonotype.models.sonify.flow import FlowTransformer
from sonotype.models.sonify.mel import segment_mel
from sonotype.models.sonify.options import FlowMelOptions
from sonotype.models.sonify.sampler import guided, solve, time_grid
from sonotype.models.sonify.vocoder import Vocoder

FILE = "decoder.safetensors"


def load(folder: Path, card: PrototypeCard, threads: int = 1) -> FlowMelSonifier:
    """Load `decoder.safetensors`; see `base.load`."""
    assert card.decoder is not None, "base.load checks this"  # noqa: S101
    torch.set_num_threads(threads)
    network = Decoder(_options(card), card.decoder.dim)
    try:
        tensors = load_tensors(_read(folder / FILE, card))
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except (SafetensorError, RuntimeError) as error:
        raise SonotypeError(Code.WEIGHTS_CORRUPT, f"The decoder of {card.name} does not fit its card.") from error
    return FlowMelSonifier(network.eval(), card.decoder)


class Decoder(nn.Module):
    """All that has weights, under the names of the file.

    Args:
        options: from the card.
        dim: length of the embedding.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, options: FlowMelOptions, dim: int) -> None:
        super().__init__()
        self.options = options
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.codec = PatchCodec(options.token_frames, options.mel.n_mels, options.latent_dim)
        self.flow = FlowTransformer(options, dim)
        self.vocoder = Vocoder(options)

    def latents(
        self, embedding: Tensor, noise: Tensor, steps: int, guidance: float, pause: Callable[[], None] = go_on
    ) -> Tensor:
        """Follow the flow.

        Args:
            embedding: raw, shape [B, dim].
            noise: shape [B, tokens, latent_dim].
            steps: of the solver.
            guidance: see `sampler.guided`.
            pause: called before every step.

        Returns:
            Latents, shape [B, tokens, latent_dim].
        """
        condition = self.flow.embed((embedding - self.mean) / self.scale)
        if guidance != 0.0:
            condition = torch.cat((condition, self.flow.unconditional.expand_as(condition)))

        def velocity(x: Tensor, t: Tensor) -> Tensor:
            pause()
            moved: Tensor = self.flow(x, t, condition)
            return moved

        return solve(guided(velocity, guidance), noise, time_grid(steps, self.options.shift), self.options.solver)

    def mel(self, latents: Tensor) -> Tensor:
        """Log-mel of latents, not below silence, shape [B, frames, n_mels]."""
        return self.codec.decode(latents).clamp(min=0.0)

    def samples(self, mel: Tensor) -> Iterator[Tensor]:
        """Samples of one log-mel segment [1, frames, n_mels], block by block."""
        if self.options.synthesis == "griffin-lim":
            return griffin_lim.stream(self.vocoder.frontend, mel, self.options.block_frames)
        return self.vocoder.stream(mel, self.options.block_frames)

    def noise(self, seed: int) -> Tensor:
        """The noise of a seed, shape [1, tokens, latent_dim]."""
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(1, self.options.tokens, self.options.latent_dim, generator=generator)


class FlowMelSonifier:
    """Embedding to audio; see `base.Sonifier`. Not safe for use by several threads at once.

    Args:
        network: with its weights, in evaluation mode.
        spec: from the card.
    """

    def __init__(self, network: Decoder, spec: DecoderSpec) -> None:
        self.sample_rate_hz = spec.sample_rate_hz
        self.segment_samples = spec.segment_samples
        self.dim = spec.dim
        self.network = network
        self.steps, self.guidance = spec.steps, spec.guidance
        self.pause: Callable[[], None] = go_on

    def stream(
        self, embedding: Floats, *, seed: int, steps: int | None = None, guidance: float | None = None
    ) -> Iterator[Floats]:
        """Generate one segment; see `Sonifier.stream`."""
        if steps is not None and steps < 1:
            raise SonotypeError(Code.INVALID_REQUEST, "A sonification needs at least one step.")
        vector = torch.from_numpy(checked(embedding, self.dim))[None]
        steps = self.steps if steps is None else steps
        guidance = self.guidance if guidance is None else guidance
        return self._blocks(vector, seed, steps, guidance)

    def reconstruct(self, samples: Floats) -> Floats:
        """Pass a real segment through log-mel, codec and vocoder, without the flow: what a perfect flow would keep.

        Args:
            samples: shape [segment_samples].

        Returns:
            Shape [segment_samples].
        """
        with torch.inference_mode():
            mel = segment_mel(self.network.vocoder.frontend, torch.from_numpy(samples)[None])
            blocks = list(self.network.samples(self.network.mel(self.network.codec.encode(mel))))
            made: Floats = torch.cat(blocks).clamp(-1.0, 1.0).numpy()
        return made

    def _blocks(self, vector: Tensor, seed: int, steps: int, guidance: float) -> Iterator[Floats]:
        # inference mode must not stay on while the caller holds a block, so it is entered once per block
        with torch.inference_mode():
            latents = self.network.latents(vector, self.network.noise(seed), steps, guidance, self.pause)
            blocks = self.network.samples(self.network.mel(latents))
        while True:
            with torch.inference_mode():
                block = next(blocks, None)
                samples: Floats | None = None if block is None else block.clamp(-1.0, 1.0).numpy()
            if samples is None:
                return
            yield samples


def _options(card: PrototypeCard) -> FlowMelOptions:
    assert card.decoder is not None  # noqa: S101
    try:
        options = FlowMelOptions.model_validate(card.decoder.options)
    except ValidationError as error:
        raise SonotypeError(
            Code.WEIGHTS_CORRUPT, f"The decoder of {card.name} has options that do not exist."
        ) from error
    if (options.mel.sample_rate_hz, options.samples) != (card.decoder.sample_rate_hz, card.decoder.segment_samples):
        raise SonotypeError(Code.WEIGHTS_CORRUPT, f"The decoder of {card.name} contradicts itself about its segments.")
    return options


def _read(path: Path, card: PrototypeCard) -> bytes:
    """The file, if its hash is the card's."""
    assert card.decoder is not None  # noqa: S101
    if not path.is_file():
        raise SonotypeError(Code.WEIGHTS_MISSING, f"The decoder of {card.name} is not there.")
    data = path.read_bytes()
    if card.decoder.sha256 is not None and hashlib.sha256(data).hexdigest() != card.decoder.sha256:
        raise SonotypeError(Code.WEIGHTS_CORRUPT, f"The decoder of {card.name} is not the one of its card.")
    return data
