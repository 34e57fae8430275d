"""Raw samples as a file, so that they take the same way as every upload: limits, decoder, cache."""

from __future__ import annotations

import struct

from sonotype.core.types import Floats

_FLOAT = 3


def wav_bytes(samples: Floats, rate_hz: int) -> bytes:
    """A WAV file of mono float32; `samples` has the shape [n]."""
    data = samples.astype("<f4").tobytes()
    form = struct.pack("<HHIIHHH", _FLOAT, 1, rate_hz, 4 * rate_hz, 4, 32, 0)
    parts = ((b"fmt ", form), (b"fact", struct.pack("<I", len(samples))), (b"data", data))
    body = b"WAVE" + b"".join(name + struct.pack("<I", len(part)) + part for name, part in parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body
