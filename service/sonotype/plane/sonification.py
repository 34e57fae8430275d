"""What a caller may ask of prototypes and sonifications, and what comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal

from sonotype.models.heads.provenance import PrototypeRecord

AudioFormat = Literal["wav", "flac", "ogg", "mp3"]
# prototype: decoded; medoid: the decoded embedding of the nearest real segment; segment: that segment itself, real
RenderingKind = Literal["prototype", "medoid", "segment"]


@dataclass(frozen=True, slots=True)
class Rendering:
    """One piece of audio of a prototype.

    Attributes:
        kind: what it is.
        seed: of the decoder; 0 for the real segment.
    """

    kind: RenderingKind
    seed: int = 0


@dataclass(frozen=True, slots=True)
class PrototypeInfo:
    """One prototype of a served model.

    Attributes:
        id: `<model>.<class>.<number>`.
        model: address of its model.
        label: its class.
        renderings: what can be played.
        offered: the rendering that is played unless one is named: the decoded prototype where it passed the gate,
            else the real segment, else (nothing gated or no segment) the decoded prototype; None where nothing plays.
        record: provenance and badges; None where the model folder has none.
    """

    id: str
    model: str
    label: str
    renderings: tuple[Rendering, ...] = ()
    offered: Rendering | None = None
    record: PrototypeRecord | None = None


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A finished, encoded rendering: the same bytes for the same `etag`."""

    data: bytes
    media_type: str
    etag: str
    rendering: Rendering
    duration_s: float


@dataclass(frozen=True, slots=True)
class PathQuery:
    """A counterfactual path: what would have to change for `to_label` to win.

    It starts at the query's embedding, upload or mixture, or, without any, at the prototypes of `from_label`.
    """

    to_label: str
    from_label: str | None = None
    points: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SonifyQuery:
    """One sonification request; the start is exactly one of embedding, mixture, path or an upload.

    Attributes:
        model: name or address of a prototype model; empty means the first served one that has a decoder.
        embedding: in the backbone's space, `dim` numbers.
        mixture: prototype ids with weights; the weights are normalised to sum to one.
        path: go from the start to another class, one segment per point.
        seed: decides the decoder's noise.
        steps: of the sampler; None takes the card's.
        guidance: strength of the condition; None takes the card's.
        format: of the audio.
        client: the authenticated caller.
        timeout_s: deadline from now.
    """

    model: str = ""
    embedding: tuple[float, ...] | None = None
    mixture: tuple[tuple[str, float], ...] = ()
    path: PathQuery | None = None
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None
    format: AudioFormat = "wav"
    client: str | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Sonified:
    """A running sonification: what is known before the first byte, and the bytes as they are generated.

    Attributes:
        model: address.
        sample_rate_hz: of the audio.
        n_samples: of all segments together.
        labels: the winning class of each segment's embedding.
        scores: its probability by segment.
        media_type: of the bytes.
        n_bytes: length of the whole, where the format fixes it (wav); else None.
        chunks: the encoded audio; closing the iterator abandons the work.
    """

    model: str
    sample_rate_hz: int
    n_samples: int
    labels: tuple[str, ...]
    scores: tuple[float, ...]
    media_type: str
    n_bytes: int | None
    chunks: AsyncIterator[bytes] = field(repr=False)
