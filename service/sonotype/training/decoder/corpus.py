"""Everything that training reads over and over, computed once: samples, log-mel frames and window embeddings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats
from sonotype.models.card_parts import PatchSpec
from sonotype.models.frontend.logmel import LogMel
from sonotype.models.patches import Patcher
from sonotype.models.runtime import Runtime
from sonotype.models.sonify.mel import segment_mel
from sonotype.models.sonify.options import FlowMelOptions
from sonotype.training.data.dataset import Example

# frames between the windows whose embeddings are kept
WINDOW_HOP = 48
_FULL_SCALE = 32767.0
_ARRAYS = ("samples", "mel", "embeddings", "window_frame", "window_clip", "first", "count", "label", "example")

Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class Backbone:
    """A loaded network and the name of one of its embeddings."""

    runtime: Runtime
    embedding: str


Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Corpus:
    """Clips joined end to end; positions are counted in frames of the mel front end.

    Attributes:
        samples: int16, shape [frames * hop].
        mel: log-mel as float16, shape [frames, n_mels].
        embeddings: of windows of one patch, raw, shape [n, dim].
        window_frame: frame at which each window starts, shape [n].
        window_clip: clip of each window, shape [n].
        first: first frame of each clip, shape [clips].
        count: frames of each clip, shape [clips].
        label: index of the first label of each clip, shape [clips].
        example: index of each clip in the list that the corpus was made from, shape [clips].
        window_frames: frames of one window.
    """

    samples: NDArray[np.int16]
    mel: NDArray[np.float16]
    embeddings: Floats
    window_frame: Integers
    window_clip: Integers
    first: Integers
    count: Integers
    label: Integers
    example: Integers
    window_frames: int


def prepare(
    examples: Sequence[Example], backbone: Backbone, options: FlowMelOptions, folder: Path, tick: Tick
) -> Corpus:
    """Load the corpus of these examples from `folder`, or make it there.

    Files that cannot be read, are silent, or are shorter than a segment are left out.

    Args:
        examples: what to read.
        backbone: makes the embeddings.
        options: of the decoder.
        folder: of the cache.
        tick: is told how many examples are done, of how many.

    Raises:
        SonotypeError: `invalid_request` for a backbone whose frames are not the decoder's, or when no file is usable.
    """
    _refuse_other_grid(backbone.runtime, options)
    identity = _identity(examples, backbone, options)
    place = folder / f"corpus-{identity}"
    if not (place / "done.json").is_file():
        place.mkdir(parents=True, exist_ok=True)
        _make(examples, backbone, options, place, tick)
    return read(place)


def read(place: Path) -> Corpus:
    """Open a corpus that `prepare` has made; the long arrays stay on disk."""
    meta = json.loads((place / "done.json").read_text(encoding="utf-8"))
    arrays: dict[str, Any] = {name: np.load(place / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
    return Corpus(**arrays, window_frames=meta["window_frames"])


def read_audio(path: Path, rate_hz: int) -> Floats:
    """The mean of the channels of a file at another rate, shape [n]. Raises what libsndfile raises."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    resampled: Floats = soxr.resample(samples.mean(axis=1), rate, rate_hz).astype(np.float32)
    return resampled


def embed(backbone: Backbone, samples: Floats, hop_frames: int) -> Floats:
    """Embeddings of all whole windows of a clip, shape [n, dim].

    Args:
        backbone: makes the embeddings.
        samples: mono audio at the backbone's rate; at least one window.
        hop_frames: frames of the backbone's front end from window to window.
    """
    runtime = backbone.runtime
    frontend = runtime.card.default_frontend
    spec = PatchSpec(frames=runtime.card.patch.frames, hop_frames=hop_frames, tail="drop", short="repeat")
    patcher = Patcher(runtime.card.frontends[frontend], spec)
    windows = [*patcher.feed(samples), *patcher.finish()]
    audio = np.stack([window.samples for window in windows])
    valid = np.array([window.valid_frames for window in windows], dtype=np.int64)
    rows: Floats = runtime.run(audio, valid, "repeat", frontend).arrays[backbone.embedding]
    return rows


def _make(examples: Sequence[Example], backbone: Backbone, options: FlowMelOptions, place: Path, tick: Tick) -> None:
    frontend, hop = LogMel(options.mel), options.mel.hop_length
    labels = {name: i for i, name in enumerate(sorted({example.labels[0] for example in examples}))}
    parts: dict[str, list[Any]] = {name: [] for name in _ARRAYS}
    total = clips = 0
    for number, example in enumerate(examples):
        tick(number, len(examples))
        samples = _usable(example.path, options)
        if samples is None:
            continue
        rows, frames = embed(backbone, samples, WINDOW_HOP), len(samples) // hop
        with torch.inference_mode():
            parts["mel"].append(segment_mel(frontend, torch.from_numpy(samples)[None])[0].numpy().astype(np.float16))
        parts["samples"].append((samples * _FULL_SCALE).round().astype(np.int16))
        parts["embeddings"].append(rows)
        parts["window_frame"].append(total + WINDOW_HOP * np.arange(len(rows)))
        parts["window_clip"].append(np.full(len(rows), clips))
        for name, value in (("first", total), ("count", frames), ("label", labels[example.labels[0]])):
            parts[name].append([value])
        parts["example"].append([number])
        total, clips = total + frames, clips + 1
    if not clips:
        raise SonotypeError(
            Code.INVALID_REQUEST, "None of the files can be used: see the shortest length in docs/data.md."
        )
    for name, arrays in parts.items():
        np.save(place / f"{name}.npy", np.concatenate(arrays))
    meta = {"window_frames": backbone.runtime.card.patch.frames, "labels": list(labels), "clips": clips}
    (place / "done.json").write_text(json.dumps(meta), encoding="utf-8")


def _refuse_other_grid(runtime: Runtime, options: FlowMelOptions) -> None:
    spec = runtime.card.frontends[runtime.card.default_frontend]
    if (spec.sample_rate_hz, spec.hop_length) != (options.mel.sample_rate_hz, options.mel.hop_length):
        detail = f"A decoder needs a network with a frame every {options.mel.hop_length} samples at"
        raise SonotypeError(
            Code.INVALID_REQUEST, f"{detail} {options.mel.sample_rate_hz} Hz; {runtime.card.name} differs."
        )


def _usable(path: Path, options: FlowMelOptions) -> Floats | None:
    """Samples of a file, cut to whole frames; None for one that cannot teach a decoder anything."""
    try:
        samples = read_audio(path, options.mel.sample_rate_hz)
    except (OSError, soundfile.LibsndfileError):
        return None
    samples = np.clip(samples[: len(samples) // options.mel.hop_length * options.mel.hop_length], -1.0, 1.0)
    if len(samples) < options.samples or not np.isfinite(samples).all() or np.abs(samples).max() < 1e-3:
        return None
    return samples


def _identity(examples: Sequence[Example], backbone: Backbone, options: FlowMelOptions) -> str:
    rows = [[str(e.path), list(e.labels), e.path.stat().st_size if e.path.is_file() else 0] for e in examples]
    network = (backbone.runtime.card.weights_sha256, backbone.embedding)
    shape = [options.mel.model_dump(), options.frames, *network, WINDOW_HOP]
    return hashlib.sha256(json.dumps([rows, shape]).encode()).hexdigest()[:16]
