"""What a caller may ask of a live session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sonotype.audio.live.pcm import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ, PcmFormat
from sonotype.plane.query import AnalyzeQuery

__all__ = ["MAX_CHANNELS", "MAX_RATE_HZ", "MIN_RATE_HZ", "AudioIn", "ListenQuery", "StreamFormat"]

StreamFormat = PcmFormat | Literal["encoded"]


@dataclass(frozen=True, slots=True)
class AudioIn:
    """How the audio comes.

    Attributes:
        format: raw samples, or a coded stream whose container is found by content.
        rate_hz: of raw samples.
        channels: of raw samples, interleaved.
    """

    format: StreamFormat
    rate_hz: int = 0
    channels: int = 1


@dataclass(frozen=True, slots=True)
class ListenQuery:
    """One live session, the same for every face.

    Attributes:
        analysis: models, hop, front end, quality and client, as for a whole clip; `top_k` and `threshold` only say what
            a face shows. Tails are dropped.
        audio: how the audio comes.
        smoothing_s: time constant of the exponential mean over answers; 0 means none.
    """

    analysis: AnalyzeQuery
    audio: AudioIn
    smoothing_s: float = 0.0
