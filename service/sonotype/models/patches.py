"""Cut a clip into the windows that patches need, while it is still being decoded, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Floats, PatchReport, Window
from sonotype.models.card import AnyFrontend, PatchSpec
from sonotype.models.tape import Tape


class Patcher:
    """Samples in, windows out; the same windows for any way of chunking the samples.

    Frame i is centred on sample i * hop_length. A whole patch is emitted as soon as its last sample is there. What
    lies after the last whole patch is treated by `patch.tail`, a clip of less than one patch by `patch.short`;
    `repeat` means what Essentia's `lastPatchMode=repeat` means: the frames from the next patch position to the end
    of the clip, tiled cyclically.

    Args:
        frontend: constants that decide where frames lie.
        patch: length, hop and policies, possibly changed by the request.
    """

    def __init__(self, frontend: AnyFrontend, patch: PatchSpec) -> None:
        if patch.frames < 1 or patch.hop_frames < 1:
            raise ValueError("a patch and its hop need at least one frame")
        self._frontend = frontend
        self._patch = patch
        self._tape = Tape(frontend.padding)
        self._half = frontend.lead
        self._count = 0
        self._last_valid = patch.frames
        self._finished = False

    @property
    def window_samples(self) -> int:
        """Samples in one window."""
        return self._frontend.window_samples(self._patch.frames)

    @property
    def held_samples(self) -> int:
        """Samples in memory now; bounded by a window and the longest chunk, whatever the length of the clip."""
        return self._tape.held

    def feed(self, samples: Floats) -> list[Window]:
        """Take the next samples of the clip and return the windows that became complete.

        Args:
            samples: mono, shape [n]; copied, so the caller may reuse the memory.
        """
        if self._finished:
            raise RuntimeError("feed after finish; this is a bug")
        self._tape.append(samples)
        windows = list(self._whole_windows())
        # the end may have to be mirrored about the last sample, and the next window starts half a frame early
        mirror = self._tape.length - (self._half + self._frontend.hop_length + 1)
        self._tape.forget(min(mirror, self._start(self._count)))
        return windows

    def finish(self) -> list[Window]:
        """Pad the end of the clip, apply the policies and return the remaining windows.

        Raises:
            SonotypeError: AUDIO_TOO_SHORT for a clip without samples, and for one shorter than a patch when the
                short policy is `refuse`.
        """
        if self._finished:
            raise RuntimeError("finish was called twice; this is a bug")
        self._finished = True
        if self._tape.length == 0:
            raise SonotypeError(Code.AUDIO_TOO_SHORT, "The audio holds no samples.")
        windows = [self._window(self._patch.frames, "repeat") for _ in range(self._whole() - self._count)]
        fill = self._fill()
        remaining = self._total_frames() - self._count * self._patch.hop_frames
        if fill is not None and remaining > 0:
            self._last_valid = remaining
            windows.append(self._window(remaining, fill))
        return windows

    def report(self) -> PatchReport:
        """Say how the clip was cut; known only after `finish`."""
        if not self._finished:
            raise RuntimeError("report before finish; this is a bug")
        rate, hop = self._frontend.sample_rate_hz, self._frontend.hop_length
        covered = ((self._count - 1) * self._patch.hop_frames + self._patch.frames) * hop if self._count else 0
        return PatchReport(
            count=self._count,
            length_s=self._patch.frames * hop / rate,
            hop_s=self._patch.hop_frames * hop / rate,
            tail=self._patch.tail,
            short=self._patch.short,
            dropped_s=max(0, self._tape.length - covered) / rate,
            filled_s=(self._patch.frames - self._last_valid) * hop / rate,
        )

    def starts_s(self) -> Floats:
        """Start of each patch emitted so far, in seconds, shape [n_patches]."""
        step = self._patch.hop_frames * self._frontend.hop_length / self._frontend.sample_rate_hz
        return (np.arange(self._count) * step).astype(np.float32)

    def _start(self, index: int) -> int:
        """First sample of a window in the clip's own count; the first window starts before the clip."""
        return index * self._patch.hop_frames * self._frontend.hop_length - self._half

    def _whole_windows(self) -> Iterator[Window]:
        """Windows that lie wholly before the end of what has arrived."""
        # one sample more than half a frame is what a mirrored start needs
        while self._tape.length > max(self._half, self._start(self._count) + self.window_samples - 1):
            yield self._window(self._patch.frames, "repeat")

    def _total_frames(self) -> int:
        return self._frontend.n_frames(self._tape.length)

    def _whole(self) -> int:
        """Whole patches in the clip."""
        spare = self._total_frames() - self._patch.frames
        return 0 if spare < 0 else 1 + spare // self._patch.hop_frames

    def _fill(self) -> Literal["repeat", "pad"] | None:
        """How the frames after the last whole patch are used; None drops them."""
        if self._count:
            return None if self._patch.tail == "drop" else self._patch.tail
        if self._patch.short == "refuse":
            seconds = self._patch.frames * self._frontend.hop_length / self._frontend.sample_rate_hz
            raise SonotypeError(Code.AUDIO_TOO_SHORT, f"This model needs at least {seconds:.2f} s of audio.")
        return self._patch.short

    def _window(self, valid_frames: int, fill: Literal["repeat", "pad"]) -> Window:
        """Cut the next window; samples after its last valid frame are silence."""
        start = self._start(self._count)
        samples: NDArray[np.float32] = np.zeros(self.window_samples, dtype=np.float32)
        used = self._frontend.window_samples(valid_frames)
        samples[:used] = self._tape.cut(start, start + used)
        window = Window(self._count, samples, valid_frames, fill)
        self._count += 1
        return window
