"""A decoder that is small enough to train and run in a test, and clips to train it on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from sonotype.core.types import Floats
from sonotype.models.card import PrototypeCard
from sonotype.models.card_parts import BackboneSpec, DecoderSpec, LicenceSpec, WeightsSpec
from sonotype.models.sonify.flow_mel import Decoder
from sonotype.models.sonify.options import DEFAULT_MEL, FlowMelOptions, FlowSpec, VocoderSpec
from sonotype.training.decoder.corpus import Corpus

DIM = 6
SMALL = FlowMelOptions(
    mel=DEFAULT_MEL.model_copy(update={"n_mels": 40, "n_fft": 512}),
    frames=32,
    latent_dim=8,
    flow=FlowSpec(width=32, depth=2, heads=2, feed_forward=2),
    vocoder=VocoderSpec(width=16, depth=2, hidden=32, kernel=3),
    block_frames=12,
)


def card_of(spec: DecoderSpec) -> PrototypeCard:
    """A card around the table of a decoder."""
    sha = "0" * 64
    return PrototypeCard(
        card_schema=1,
        kind="prototypes",
        name="small",
        version="1",
        title="",
        description="",
        labels=("a", "b"),
        backbone=BackboneSpec(model="m", embedding="e", sha256=sha),
        weights=WeightsSpec(sha256=sha, n_parameters=0),
        decoder=spec,
        licence=LicenceSpec(spdx="Apache-2.0", commercial=True, holder=""),
        citation="",
    )


def small_decoder(seed: int = 0) -> Decoder:
    """A decoder with random weights that all matter: layers that start at zero get values too."""
    torch.manual_seed(seed)
    decoder = Decoder(SMALL, DIM).eval()
    with torch.no_grad():
        for parameter in decoder.flow.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        decoder.codec.fit(torch.rand(500, SMALL.token_frames * SMALL.mel.n_mels))
    return decoder.requires_grad_(False)


def tones(clips: int, frames: int, seed: int = 0) -> list[Floats]:
    """Clips of two kinds in turn: low and high chords, shape [frames * hop] each."""
    random = np.random.default_rng(seed)
    at = np.arange(frames * SMALL.mel.hop_length) / SMALL.mel.sample_rate_hz
    made = []
    for number in range(clips):
        pitches = (1 + number % 2 * 5) * random.uniform(150, 250, size=3)
        made.append((0.2 * np.sin(2 * np.pi * pitches[:, None] * at).sum(0)).astype(np.float32))
    return made


def tone_corpus(clips: int = 8, frames: int = 48, seed: int = 0) -> Corpus:
    """A corpus of tones whose embedding tells the kind."""
    from sonotype.models.frontend.logmel import LogMel  # noqa: PLC0415
    from sonotype.models.sonify.mel import segment_mel  # noqa: PLC0415

    waves = tones(clips, frames, seed)
    mels = [segment_mel(LogMel(SMALL.mel), torch.from_numpy(wave)[None])[0].numpy() for wave in waves]
    first = np.arange(clips) * frames
    window_clip = np.repeat(np.arange(clips), 2)
    embeddings = np.random.default_rng(seed).normal(size=(2 * clips, DIM)).astype(np.float32)
    embeddings[:, 0] = window_clip % 2 * 4.0
    return Corpus(
        samples=(np.concatenate(waves) * 32767).astype(np.int16),
        mel=np.concatenate(mels).astype(np.float16),
        embeddings=embeddings,
        window_frame=first[window_clip] + np.tile([0, 16], clips),
        window_clip=window_clip,
        first=first,
        count=np.full(clips, frames),
        label=np.arange(clips) % 2,
        example=np.arange(clips),
        window_frames=24,
    )


def exported(folder: Path) -> PrototypeCard:
    """A model folder with a small decoder in it, and its card."""
    from sonotype.training.decoder.export import export  # noqa: PLC0415

    return card_of(export(small_decoder(), folder, steps=4, guidance=1.0))
