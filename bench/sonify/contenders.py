"""What is timed: our decoder, its parts, and the published chain with random weights (time does not depend on them)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torchaudio

from sonotype.core.types import Floats
from sonotype.models.card import PrototypeCard, read_any_card
from sonotype.models.card_parts import DecoderSpec
from sonotype.models.encodecmae.config import EncodecConfig, autoencoder
from sonotype.models.encodecmae.describing import make_decoder_spec
from sonotype.models.encodecmae.sonifier import EncodecMaeSonifier, Sizes, Voice
from sonotype.models.sonify.base import Sonifier, load
from sonotype.models.sonify.flow_mel import Decoder, FlowMelSonifier
from sonotype.models.sonify.mel import linear_power
from sonotype.models.sonify.options import FlowMelOptions

DIM = 200
# seconds to the first block and to the last
Timing = tuple[float, float]


def ours(folder: Path | None, threads: int) -> FlowMelSonifier:
    """The decoder of a model folder, or one of the default sizes with random weights."""
    torch.manual_seed(0)
    if folder is not None:
        card = read_any_card(folder / "card.toml")
        made = load(folder, card, threads) if isinstance(card, PrototypeCard) else None
        if not isinstance(made, FlowMelSonifier):
            raise ValueError("this folder holds no flow-mel decoder")
        return made
    options = FlowMelOptions()
    spec = DecoderSpec(family="flow-mel", dim=DIM, sample_rate_hz=16000, segment_samples=options.samples)
    return FlowMelSonifier(Decoder(options, DIM).eval(), spec)


def published() -> EncodecMaeSonifier:
    """The published chain for 4 s: 40 steps of its diffusion, then EnCodec's decoder."""
    torch.manual_seed(0)
    sizes, codec = autoencoder(4.0), EncodecConfig()
    voice = Voice(Sizes(denoiser=sizes.denoiser, encodec=codec)).eval().requires_grad_(False)
    return EncodecMaeSonifier(make_decoder_spec(codec, sizes, sha256="0" * 64, n_parameters=0), voice)


def whole(sonifier: Sonifier, steps: int | None = None) -> Callable[[int], Timing]:
    """A function from a seed to the timing of one sonification."""
    embedding: Floats = np.random.default_rng(0).normal(size=sonifier.dim).astype(np.float32)

    def run(seed: int) -> Timing:
        begin = time.perf_counter()
        blocks = sonifier.stream(embedding, seed=seed, steps=steps)
        next(blocks)
        first = time.perf_counter() - begin
        for _ in blocks:
            pass
        return first, time.perf_counter() - begin

    return run


def parts(sonifier: FlowMelSonifier, steps: int, guidance: float) -> dict[str, Callable[[int], Timing]]:
    """The steps of the flow, the vocoder in one piece, and what torchaudio offers in its place."""
    network, spec = sonifier.network, sonifier.network.options.mel
    embedding, mel = torch.zeros(1, sonifier.dim), torch.rand(1, sonifier.network.options.frames, spec.n_mels)
    griffin_lim = torchaudio.transforms.GriffinLim(spec.n_fft, n_iter=32, hop_length=spec.hop_length)

    def timed(work: Callable[[int], object]) -> Callable[[int], Timing]:
        def run(seed: int) -> Timing:
            begin = time.perf_counter()
            with torch.inference_mode():
                work(seed)
            return 0.0, time.perf_counter() - begin

        return run

    return {
        "steps": timed(lambda seed: network.latents(embedding, network.noise(seed), steps, guidance)),
        "vocoder": timed(lambda seed: network.vocoder(mel)),
        "torchaudio Griffin-Lim, 32 iterations": timed(
            lambda seed: griffin_lim(linear_power(network.vocoder.frontend, mel))
        ),
    }
