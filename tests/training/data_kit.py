"""Recorded notes made up for the tests, laid where the maker looks for unpacked packages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from sonotype.training.data import packages
from sonotype.training.data.archives import Archive
from sonotype.training.data.voices import Notes, Part

RATE_HZ = 24_000
NAMES = {57: "A3", 60: "C4", 65: "F4", 70: "As4", 76: "E5", 82: "Bb5"}


def tone(key: int, seconds: float = 2.0, rate_hz: int = RATE_HZ) -> npt.NDArray[np.float32]:
    """A note with three harmonics that slowly dies away."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    hz = 440 * 2 ** ((key - 69) / 12)
    waves = sum(np.sin(2 * np.pi * hz * h * times) / h**2 for h in (1, 2, 3))
    return (0.4 * waves * np.exp(-times)).astype(np.float32)


def lay_notes(folder: Path) -> Path:
    """Write the notes of `NAMES` into a folder."""
    folder.mkdir(parents=True)
    for key, name in NAMES.items():
        soundfile.write(folder / f"{name}.wav", tone(key), RATE_HZ)
    return folder


def small_parts(cache: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Part, ...]:
    """A class from three sources and one from one, whose packages lie unpacked in the cache."""
    parts = []
    plan = (("clarinet", "fluidr3"), ("clarinet", "tonejs"), ("clarinet", "musyngkite"), ("xylophone", "musyngkite"))
    for label, source in plan:
        name = f"small-{label}-{source}"
        archive = Archive(name, "npm", f"{name}@1.0.0", f"{len(parts):064x}", f"{name}.tgz", ("notes/",))
        monkeypatch.setitem(packages.ARCHIVES, name, archive)
        lay_notes(cache / "unpacked" / f"{name}-{archive.sha256[:12]}" / "notes")
        parts.append(Part(label, source, (name,), Notes(((name, "notes/*.wav"),))))
    return tuple(parts)
