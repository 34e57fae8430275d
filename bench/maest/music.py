"""Real music for training and for the curve: folders of audio files to log-mel and to the tags of a teacher."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from sonotype.core.types import Floats
from sonotype.models.card_parts import FrontendSpec
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.patches import Patcher
from sonotype.models.runtime import Runtime

RATE_HZ = 16_000
_AUDIO = {".ogg", ".mp3", ".flac", ".opus", ".wav"}
_LEAST_S = 20.0


@dataclass(frozen=True, slots=True)
class Track:
    """One piece of music.

    Attributes:
        mel: log-mel of the student's front end, float16 [frames, 96].
        tags: of the teacher, one row per patch of `patch_frames`, [patches, labels].
        patch_frames: frames of one row of `tags`; the frames of both front ends lie on the same samples.
    """

    mel: np.ndarray
    tags: Floats
    patch_frames: int

    def target(self, first: int, frames: int) -> Floats:
        """The teacher's mean tags over a stretch of frames, [labels]."""
        return np.asarray(self.tags[np.arange(first, first + frames) // self.patch_frames].mean(0), dtype=np.float32)


def files(folders: Sequence[Path]) -> list[Path]:
    """Every audio file below some folders, sorted."""
    found = {path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in _AUDIO}
    return sorted(found)


def read(path: Path, longest_s: float) -> Floats | None:
    """The middle of a file as 16 kHz mono; None where it cannot be read or is a jingle."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return None
    if len(samples) < _LEAST_S * rate:
        return None
    first = max(0, len(samples) - int(longest_s * rate)) // 2
    mono = samples[first : first + int(longest_s * rate)].mean(axis=1)
    return np.asarray(soxr.resample(mono, rate, RATE_HZ), dtype=np.float32)


def log_mel(samples: Floats, spec: FrontendSpec) -> Floats:
    """Log-mel of a whole clip with zeros around it, [frames, bands]."""
    frames = spec.n_frames(len(samples))
    padded = np.zeros(spec.window_samples(frames), dtype=np.float32)
    padded[spec.lead : spec.lead + len(samples)] = samples[: len(padded) - spec.lead]
    with torch.inference_mode():
        return np.asarray(LogMel(spec)(torch.from_numpy(padded)[None])[0].numpy())


def tags(samples: Floats, teacher: Runtime) -> Floats:
    """The teacher's tags of each of its patches, side by side, [patches, labels]."""
    card = teacher.card
    patcher = Patcher(card.mel_frontends[card.default_frontend], card.patch)
    windows = [window.samples for window in [*patcher.feed(samples), *patcher.finish()]]
    valid = np.full(len(windows), card.patch.frames)
    return teacher.run(np.stack(windows), valid, "repeat", card.default_frontend).arrays["tags"]


def tracks(
    paths: Sequence[Path], teacher: Runtime, spec: FrontendSpec, longest_s: float, cache: Path
) -> Iterator[Track]:
    """The tracks of some files; what was computed once is read back."""
    cache.mkdir(parents=True, exist_ok=True)
    for path in paths:
        key = hashlib.sha256(f"{path}{longest_s}{spec.sha256}{teacher.card.weights_sha256}".encode()).hexdigest()
        file = cache / f"{key[:16]}.npz"
        if not file.exists() and (samples := read(path, longest_s)) is not None:
            found = tags(samples, teacher)
            mel = log_mel(samples, spec)[: len(found) * teacher.card.patch.frames]
            np.savez(file, mel=mel.astype(np.float16), tags=found)
        if file.exists():
            with np.load(file) as arrays:
                yield Track(arrays["mel"], arrays["tags"], teacher.card.patch.frames)
