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


def write_media(folder: Path, model: Path, result: GateResult) -> set[str]:
    """Write `audio/*.ogg` and `img/*.webp`, in place of those of an earlier run.

    Args:
        folder: where to write.
        model: the model folder; a real segment becomes audible only if it carries it too (`medoids/<id>.ogg`), that
            is, if its licence allows it.
        result: of the gate, with its sounds.

    Returns:
        The names of the sounds.

    Raises:
        OSError: the folder cannot be written.
    """
    _clear(folder / "audio", "*.ogg")
    _clear(folder / "img", "*.webp")
    rate = sample_rate_hz(result)
    sounds = _sounds(result, model)
    for name, data in _encoded(sounds, rate).items():
        write_atomic(folder / "audio" / f"{name}.ogg", data)
    for name, pcm in _pictured(result).items():
        write_atomic(folder / "img" / f"{name}.webp", picture(np.asarray(pcm / 32768, dtype=np.float32), rate))
    return set(sounds)


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


def _sounds(result: GateResult, model: Path) -> dict[str, Pcm]:
    """Every sound of the page by its name."""
    shelf, found = result.shelf, {}
    for index, record in enumerate(result.provenance.prototypes):
        for seed in result.seeds[:SHOWN_SEEDS]:
            found[media_name(result, index, f"seed{seed}")] = shelf.sounds["prototype", index, seed]
        found[media_name(result, index, "medoid")] = shelf.sounds["medoid", index, result.seeds[0]]
        if (model / "medoids" / f"{record.id}.ogg").is_file():
            found[media_name(result, index, "real")] = shelf.sounds["real", index, None]
    return found


def _pictured(result: GateResult) -> dict[str, Pcm]:
    shelf, found = result.shelf, {}
    for index in range(len(result.provenance.prototypes)):
        found[media_name(result, index, f"seed{result.seeds[0]}")] = shelf.sounds["prototype", index, result.seeds[0]]
        found[media_name(result, index, "medoid")] = shelf.sounds["medoid", index, result.seeds[0]]
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
