"""The sounds and pictures of the page, small enough to lie in a repository."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile

from sonotype.audio.encode import Pcm
from sonotype.evaluation.gate import GateResult
from sonotype.evaluation.spectrogram import picture
from sonotype.models.weights.base import write_atomic

AUDIO_BYTES = 6 * 2**20
# of libsndfile's Vorbis encoder: about 53, 46, 39 and 34 kbit/s for dense sound, less for single instruments
_COMPRESSION = (0.4, 0.6, 0.8, 1.0)
SHOWN_SEEDS = 3


def write_media(folder: Path, result: GateResult) -> None:
    """Write `audio/*.ogg` and `img/*.webp`, in place of those of an earlier run.

    Args:
        folder: where to write.
        result: of the gate, with its sounds.

    Raises:
        OSError: the folder cannot be written.
    """
    _clear(folder / "audio", "*.ogg")
    _clear(folder / "img", "*.webp")
    rate = sample_rate_hz(result)
    for name, data in _encoded(_sounds(result), rate).items():
        write_atomic(folder / "audio" / f"{name}.ogg", data)
    for name, pcm in _pictured(result).items():
        write_atomic(folder / "img" / f"{name}.webp", picture(np.asarray(pcm / 32768, dtype=np.float32), rate))


def sample_rate_hz(result: GateResult) -> int:
    """Of all sounds of a gate."""
    assert result.card.decoder is not None, "nothing is gated without a decoder"  # noqa: S101
    return result.card.decoder.sample_rate_hz


def _clear(folder: Path, pattern: str) -> None:
    """Remove what an earlier run wrote."""
    for path in folder.glob(pattern):
        path.unlink()


def media_name(result: GateResult, index: int, what: str) -> str:
    """Name of the files of one sound of prototype `index`: `seed0`, `medoid` or `real`."""
    short = result.provenance.prototypes[index].id.removeprefix(f"{result.card.name}.")
    return f"{short}-{what}"


def _sounds(result: GateResult) -> dict[str, Pcm]:
    """Every generated sound of the page by its name."""
    shelf, found = result.shelf, {}
    for index in range(result.prototypes.items):
        for seed in result.seeds[:SHOWN_SEEDS]:
            found[media_name(result, index, f"seed{seed}")] = shelf.sounds["prototype", index, seed]
        if not result.pushed:
            found[media_name(result, index, "medoid")] = shelf.sounds["medoid", index, result.seeds[0]]
    return found


def _pictured(result: GateResult) -> dict[str, Pcm]:
    """Every sound that is shown as a picture: the first seed of each kind, and the real segment."""
    shelf, first = result.shelf, result.seeds[0]
    found = {}
    for index in range(result.prototypes.items):
        found[media_name(result, index, f"seed{first}")] = shelf.sounds["prototype", index, first]
        if not result.pushed:
            found[media_name(result, index, "medoid")] = shelf.sounds["medoid", index, first]
        found[media_name(result, index, "real")] = shelf.sounds["real", index, None]
    return found


def _encoded(sounds: dict[str, Pcm], rate_hz: int) -> dict[str, bytes]:
    """All sounds as OGG Vorbis, at the best quality with which they fit into `AUDIO_BYTES` together."""
    files: dict[str, bytes] = {}
    for level in _COMPRESSION:
        files = {name: _ogg(pcm, rate_hz, level) for name, pcm in sounds.items()}
        if sum(map(len, files.values())) <= AUDIO_BYTES:
            break
    return files


def _ogg(pcm: Pcm, rate_hz: int, level: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, pcm, rate_hz, format="OGG", subtype="VORBIS", compression_level=level)
    return file.getvalue()
