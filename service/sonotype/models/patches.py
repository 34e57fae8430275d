"""Cut a clip into the windows that patches need, while it is still being decoded, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sonotype.core.errors import Code, SonotypeError
from sonotype.core.types import Fill, Floats, PatchReport, Window
from sonotype.models.card_parts import AnyFrontend, PatchSpec
from sonotype.models.tape import Tape


class Patcher:
    """Samples in, windows out; the same windows for any way of chunking the samples.

    Frame i is centred on sample i * hop_length. A whole patch is emitted as soon as its last sample is there. What
    lies after the last whole patch is treated by `patch.tail`, a clip of less than one patch by `patch.short`;
    `repeat` means what Essentia's `lastPatchMode=repeat` means: the frames from the next patch position to the end
    of the clip, tiled cyclically. `align` moves the last patch back so that it ends with the clip; `native` takes a
    short clip as it is.

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
        self._last_frame = 0  # where the last patch starts
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
        self._tape.forget(min(self._oldest_at_end(), self._start(self._next_frame)))
        return windows

    def finish(self) -> list[Window]:
        """Pad the end of the clip, apply the policies and return the remaining windows.

        Raises:
            SonotypeError: AUDIO_TOO_SHORT for a clip without samples, and for one shorter than a patch when the
                short policy is `refuse` or the clip has fewer frames than the network can take.
        """
        if self._finished:
            raise RuntimeError("finish was called twice; this is a bug")
        self._finished = True
        if self._tape.length == 0:
            raise SonotypeError(Code.AUDIO_TOO_SHORT, "The audio holds no samples.")
        windows = [self._whole_window() for _ in range(self._whole() - self._count)]
        if self._count == 0:
            windows.append(self._filled(self._total_frames(), self._short_fill()))
        elif self._patch.tail == "align":
            windows.extend(self._aligned_window())
        elif self._patch.tail != "drop" and self._next_frame < self._total_frames():
            windows.append(self._filled(self._total_frames() - self._next_frame, self._patch.tail))
        return windows

    def report(self) -> PatchReport:
        """Say how the clip was cut; known only after `finish`."""
        if not self._finished:
            raise RuntimeError("report before finish; this is a bug")
        hop, frames = self._frontend.hop_length, self._patch.frames
        frame_s = hop / self._frontend.sample_rate_hz
        return PatchReport(
            count=self._count,
            length_s=(self._last_valid if self._is_native else frames) * frame_s,
            hop_s=self._patch.hop_frames * frame_s,
            tail=self._patch.tail,
            short=self._patch.short,
            dropped_s=max(0, self._tape.length - (self._last_frame + frames) * hop) / self._frontend.sample_rate_hz,
            filled_s=0.0 if self._is_native else (frames - self._last_valid) * frame_s,
            overlap_s=self._overlap() * frame_s,
        )

    def starts_s(self) -> Floats:
        """Start of each patch emitted so far, in seconds, shape [n_patches]."""
        step = self._frontend.hop_length / self._frontend.sample_rate_hz
        frames = np.arange(self._count) * self._patch.hop_frames
        frames[-1:] = self._last_frame
        return (frames * step).astype(np.float32)

    def _overlap(self) -> int:
        """Frames that a last patch which was moved back shares with the one before."""
        unmoved = self._next_frame - self._patch.hop_frames
        if self._last_frame == unmoved:
            return 0
        return max(0, unmoved - self._patch.hop_frames + self._patch.frames - self._last_frame)

    @property
    def _next_frame(self) -> int:
        """Where the next patch starts."""
        return self._count * self._patch.hop_frames

    @property
    def _is_native(self) -> bool:
        """Whether the clip was one short window, taken as it is."""
        return self._last_valid < self._patch.frames and self._count == 1 and self._patch.short == "native"

    def _start(self, frame: int) -> int:
        """First sample that a frame needs, in the clip's own count; the first frame starts before the clip."""
        return frame * self._frontend.hop_length - self._half

    def _oldest_at_end(self) -> int:
        """First sample that may still be needed at the end of the clip, were it to end now or later."""
        # the end may have to be mirrored about the last sample
        mirror = self._tape.length - (self._half + self._frontend.hop_length + 1)
        if self._patch.tail != "align":
            return mirror
        return min(mirror, self._start(self._tape.length // self._frontend.hop_length - self._patch.frames))

    def _whole_windows(self) -> Iterator[Window]:
        """Windows that lie wholly before the end of what has arrived."""
        # one sample more than half a frame is what a mirrored start needs
        while self._tape.length > max(self._half, self._start(self._next_frame) + self.window_samples - 1):
            yield self._whole_window()

    def _total_frames(self) -> int:
        return self._frontend.n_frames(self._tape.length)

    def _whole(self) -> int:
        """Whole patches in the clip."""
        spare = self._total_frames() - self._patch.frames
        return 0 if spare < 0 else 1 + spare // self._patch.hop_frames

    def _short_fill(self) -> Fill:
        """How a clip shorter than a patch is used."""
        short, least = self._patch.short, self._patch.min_frames
        if short == "refuse":
            raise self._too_short(self._patch.frames)
        if short == "native" and self._total_frames() < least:
            raise self._too_short(least)
        return short

    def _too_short(self, frames: int) -> SonotypeError:
        seconds = frames * self._frontend.hop_length / self._frontend.sample_rate_hz
        return SonotypeError(Code.AUDIO_TOO_SHORT, f"This model needs at least {seconds:.2f} s of audio.")

    def _aligned_window(self) -> Iterator[Window]:
        """The last whole patch that the clip holds, unless the one before it ends the clip."""
        first = self._total_frames() - self._patch.frames
        if first > self._next_frame - self._patch.hop_frames:
            yield self._window(first, self._patch.frames, "repeat")

    def _whole_window(self) -> Window:
        return self._window(self._next_frame, self._patch.frames, "repeat")

    def _filled(self, valid_frames: int, fill: Fill) -> Window:
        self._last_valid = valid_frames
        return self._window(self._next_frame, valid_frames, fill)

    def _window(self, frame: int, valid_frames: int, fill: Fill) -> Window:
        """Cut the window that starts with `frame`; samples after its last valid frame are silence."""
        start = self._start(frame)
        samples: NDArray[np.float32] = np.zeros(self.window_samples, dtype=np.float32)
        used = self._frontend.window_samples(valid_frames)
        samples[:used] = self._tape.cut(start, start + used)
        window = Window(self._count, samples, valid_frames, fill)
        self._count += 1
        self._last_frame = frame
        return window
