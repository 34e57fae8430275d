"""The decode of one upload, as the child runs it: open, condition, judge the ending."""

from __future__ import annotations

from collections.abc import Iterator

from sonotype.audio.backends.select import open_source
from sonotype.audio.blob import Blob
from sonotype.audio.clip import Conditioner
from sonotype.audio.ending import breaks_off
from sonotype.audio.sniff import Format
from sonotype.audio.wire import Facts, Job
from sonotype.core.types import Floats


class Decoding:
    """One job at work.

    Args:
        job: what to decode, and within which bounds.
        blob: its bytes, without leading ID3v2 tags.

    Raises:
        SonotypeError: see `open_source`.
    """

    def __init__(self, job: Job, blob: Blob) -> None:
        self._kind = Format(job.format)
        # Before a back-end repairs the header in place: the promise of a length is what truncation is judged by.
        self._header = bytes(blob.view[:64])
        self._blob = blob
        self._source = open_source(self._kind, blob, job.backend)
        self._clip = Conditioner(job.rate_hz, job.crop, job.max_clip_s, job.min_clip_s)

    def chunks(self) -> Iterator[Floats]:
        """Yield mono float32 samples, shape [n], at the rate of the job.

        Raises:
            SonotypeError: see `Conditioner.run`.
        """
        yield from self._clip.run(self._source.blocks())

    def facts(self) -> Facts:
        """What was seen; call it after the last chunk."""
        self._blob.view[: len(self._header)] = self._header
        if not self._clip.filled:
            ends_early = breaks_off(self._kind, self._blob, self._clip.decoded_frames)
            self._clip.facts.truncated = self._source.broken or ends_early
        return self._clip.facts
