"""Graphs of the published kind around the published weights of MusiCNN, for what is compared on real music."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from essentia_kit import Array, head, random_layers
from essentia_musicnn_kit import fine_tuned, frozen_from_training, musicnn

from sonotype.core.settings import Settings
from sonotype.models.registry import Registry
from sonotype.models.weights.convert import is_inference_variable
from sonotype.models.weights.tfbundle import read_bundle
from sonotype.models.weights.wheel import read_checkpoint, read_member

MEMBER = "musicnn/MSD_musicnn"
HEAD_WIDTHS, HEAD_SEED, CLASSIFIER_SEED = (200, 100, 9), 21, 22


@cache
def variables() -> dict[str, Array]:
    """The published variables of musicnn-msd."""
    settings = Settings()
    card = Registry([], settings.weights_dir).get("musicnn-msd")
    wheel = settings.weights_dir / "downloads" / str(card.source.sha256)
    return read_bundle(*read_checkpoint(wheel, MEMBER), is_inference_variable)


def write_clip(mp3: Path, wav: Path) -> None:
    """A clip as a mono WAV of 16 kHz and 16 bits, which nobody has to resample."""
    samples, rate = soundfile.read(mp3, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate, 16000, quality="HQ")
    soundfile.write(wav, np.clip(mono, -1, 1), 16000, subtype="PCM_16")


def real_tagger(*, flag: bool = True) -> bytes:
    """The training graph beside the checkpoint, frozen; with or without its training flag."""
    settings = Settings()
    card = Registry([], settings.weights_dir).get("musicnn-msd")
    wheel = settings.weights_dir / "downloads" / str(card.source.sha256)
    return frozen_from_training(read_member(wheel, f"{MEMBER}/.meta"), variables(), flag=flag)


def real_classifier() -> bytes:
    """A classifier of the first generation, its weights moved by a seed."""
    return musicnn(fine_tuned(variables(), CLASSIFIER_SEED))


def real_head() -> bytes:
    """A head of the second generation with random weights."""
    return head(random_layers(HEAD_WIDTHS, HEAD_SEED), "Softmax")
