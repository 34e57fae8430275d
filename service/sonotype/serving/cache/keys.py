"""The name of a cached answer: everything that could change it, and nothing else.

A key never holds a file name, a path or the length of the audio, and never forgets the model: both mistakes made
other services answer with somebody else's vector.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from sonotype.core.types import Crop, Patchout, ShortPolicy, TailPolicy

SCHEMA = 2
_WORD = re.compile(r"[a-z0-9_-]{1,32}")
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Cut:
    """How the clip was cut and what of the result is kept.

    Attributes:
        crop: the part of the clip that was analysed.
        frames: frames in one patch.
        hop_frames: frames between the starts of neighbouring patches.
        tail: what happens to the frames after the last whole patch.
        short: what happens to a clip shorter than one patch.
        stored: `clip` for tags, taggram and clip embeddings; `patches` for embeddings per patch as well.
        patchout: what was left out of each patch; None where nothing was.
    """

    crop: Crop
    frames: int
    hop_frames: int
    tail: TailPolicy
    short: ShortPolicy
    stored: Literal["clip", "patches"] = "clip"
    patchout: Patchout | None = None

    def __str__(self) -> str:
        end = "end" if self.crop.duration_s is None else _exact(self.crop.duration_s)
        parts = (_exact(self.crop.offset_s), end, f"{self.frames:d}", f"{self.hop_frames:d}")
        left_out = () if self.patchout is None or self.patchout.is_none else (_patchout(self.patchout),)
        return "_".join((*parts, _word(self.tail), _word(self.short), _word(self.stored), *left_out))


def cache_key(
    *,
    task: str,
    model_sha256: str,
    precision: str,
    frontend_sha256: str,
    cut: Cut,
    content_sha256: str,
    schema: int = SCHEMA,
) -> str:
    """Build the key of one answer of one model about one clip.

    Args:
        task: what was asked of the model, for instance `analyze`.
        model_sha256: hash of the weights (64 hex digits; 16 go into the key).
        precision: arithmetic of the network, `fp32` or `bf16`.
        frontend_sha256: hash of the front end's constants (64 hex digits; 8 go into the key).
        cut: crop, patches and what is stored.
        content_sha256: hash of the uploaded bytes (64 hex digits, all of them in the key).
        schema: version of what is stored under the key; raise `SCHEMA` when its meaning changes.

    Returns:
        `v{schema}:{task}:{model}:{precision}:{frontend}:{cut}:{content}`.

    Raises:
        ValueError: a part that could blur into its neighbour: not a plain word, not a hash, not finite.
    """
    model, frontend, content = map(_hash, (model_sha256, frontend_sha256, content_sha256))
    head = f"v{schema:d}:{_word(task)}:{model[:16]}:{_word(precision)}:{frontend[:8]}"
    return f"{head}:{cut}:{content}"


def _patchout(patchout: Patchout) -> str:
    """Steps and counts of time and frequency, and the seed."""
    numbers = (patchout.time_every, patchout.freq_every, patchout.time_drop, patchout.freq_drop)
    seed = "even" if patchout.seed is None else f"{patchout.seed:d}"
    return "-".join(("p", *(f"{number:d}" for number in numbers), seed))


def _word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise ValueError("a part of a cache key must be a plain lower-case word")
    return text


def _hash(text: str) -> str:
    if not _HEX.fullmatch(text):
        raise ValueError("a hash in a cache key must be 64 lower-case hexadecimal digits")
    return text


def _exact(seconds: float) -> str:
    """Shortest text that reads back as the same number; 0, 0.0 and -0.0 are one."""
    if not math.isfinite(seconds):
        raise ValueError("a time in a cache key must be finite")
    return repr(float(seconds) + 0.0)
