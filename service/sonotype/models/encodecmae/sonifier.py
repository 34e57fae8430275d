"""PECMAE's decoder as a sonifier: z, diffusion to EnCodec latents, EnCodec's decoder, 24 kHz audio."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.card import PrototypeCard
from sonotype.models.card_parts import DecoderSpec
from sonotype.models.encodecmae.config import EncodecConfig, StackConfig
from sonotype.models.encodecmae.diffusion import Denoiser, guided, sample
from sonotype.models.encodecmae.encodec import Decoder
from sonotype.models.encodecmae.reading import corrupt
from sonotype.models.encodecmae.residual import ScaledSinusoid
from sonotype.models.nets.build import load_parameters
from sonotype.models.sonify.base import checked, go_on
from sonotype.models.weights.convert import from_safetensors

STEPS, GUIDANCE = 40, 1.0
"""What PECMAE sonifies with; the authors' library has 100 steps and a guidance of 4 as its defaults."""
FILE = "decoder.safetensors"
_BLOCK = 6000


class Sizes(BaseModel):
    """The options of a decoder of this family."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    denoiser: StackConfig
    encodec: EncodecConfig


class Voice(nn.Module):
    """Everything between z and audio."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.positions = ScaledSinusoid()
        self.denoiser = Denoiser(sizes.denoiser, sizes.encodec.dim)
        self.decoder = Decoder(sizes.encodec)

    def latents(
        self, z: Tensor, frames: int, *, seed: int, steps: int, guidance: float, pause: Callable[[], None] = go_on
    ) -> Tensor:
        """Unquantised EnCodec latents of one segment: z [dim] to [1, frames, latent_dim]."""
        random = torch.Generator().manual_seed(seed)
        # drawn on the CPU, so that a seed means the same sound on every device
        noise = torch.randn(1, frames, self.sizes.encodec.dim, generator=random)
        field = guided(self.denoiser, self.positions, z[None], guidance)

        def velocity(x: Tensor, t: float) -> Tensor:
            pause()
            return field(x, t)

        return sample(velocity, noise.to(z.device), steps)

    def audio(self, latents: Tensor) -> Tensor:
        """[1, frames, latent_dim] to samples, [frames * hop]."""
        samples: Tensor = self.decoder(latents.transpose(1, 2))
        return samples.flatten()


class EncodecMaeSonifier:
    """Implements `Sonifier`. Nothing can be heard before the last step: the diffusion makes all frames at once."""

    def __init__(self, spec: DecoderSpec, voice: Voice) -> None:
        self.sample_rate_hz = spec.sample_rate_hz
        self.segment_samples = spec.segment_samples
        self.dim = spec.dim
        self.pause: Callable[[], None] = go_on
        self._spec = spec
        self._voice = voice.eval()
        self._frames = -(-spec.segment_samples // voice.sizes.encodec.hop)

    def stream(
        self, embedding: Floats, *, seed: int, steps: int | None = None, guidance: float | None = None
    ) -> Iterator[Floats]:
        """Generate a segment; see `Sonifier.stream`."""
        z = torch.from_numpy(checked(embedding, self.dim).copy())
        count = self._spec.steps if steps is None else steps
        strength = self._spec.guidance if guidance is None else guidance
        if count < 1:
            raise SonotypeError(Code.INVALID_REQUEST, "A sonification needs at least one step.")
        with torch.inference_mode():
            latents = self._voice.latents(z, self._frames, seed=seed, steps=count, guidance=strength, pause=self.pause)
            audio = self._voice.audio(latents)[: self.segment_samples].numpy()
        for start in range(0, len(audio), _BLOCK):
            yield np.array(audio[start : start + _BLOCK], dtype=np.float32)


def load(folder: Path, card: PrototypeCard, threads: int = 1) -> EncodecMaeSonifier:
    """Load `decoder.safetensors` beside a prototype model's card.

    Raises:
        SonotypeError: `weights_missing`, `weights_corrupt`.
    """
    assert card.decoder is not None, "sonify.base.load checks this"  # noqa: S101
    torch.set_num_threads(threads)
    return load_spec(folder / FILE, card.decoder)


def load_spec(path: Path, spec: DecoderSpec) -> EncodecMaeSonifier:
    """Load a decoder file; see `load`."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SonotypeError(Code.WEIGHTS_MISSING, "The decoder of this model is not there.") from None
    if spec.sha256 is None or hashlib.sha256(data).hexdigest() != spec.sha256:
        raise corrupt("The decoder is not the one that its card names.")
    try:
        voice = Voice(Sizes.model_validate(spec.options))
        load_parameters(voice, from_safetensors(data))
    except (ValidationError, ValueError) as error:
        raise corrupt("The decoder does not fit what its card says of it.") from error
    _check(spec, voice.sizes)
    return EncodecMaeSonifier(spec, voice)


def _check(spec: DecoderSpec, sizes: Sizes) -> None:
    if (spec.dim, spec.sample_rate_hz) != (sizes.denoiser.dim, sizes.encodec.sample_rate_hz):
        raise corrupt("The decoder does not fit what its card says of it.")
