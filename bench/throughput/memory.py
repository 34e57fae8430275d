"""Peak memory of a 60-minute file against that of a 3-minute one."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from bench.contender import Contender

# an hour at this rate stays well below the largest upload accepted by default
_RATE = "96k"


def measure(command: list[str], clips: list[Path]) -> dict[str, float]:
    """Run both files through a fresh contender each and read the peak of its process tree.

    Args:
        command: of the contender.
        clips: of 3 minutes each; twenty of them, repeated if need be, make an hour.

    Returns:
        `short_mb` and `long_mb` (MiB, all processes), `ratio`, and the sizes of the two files.
    """
    with tempfile.TemporaryDirectory() as folder:
        short, long = Path(folder) / "short.mp3", Path(folder) / "long.mp3"
        _join([clips[0]], short)
        _join([clips[i % len(clips)] for i in range(20)], long)
        peaks = {name: _peak(command, clips[0], path) for name, path in (("short", short), ("long", long))}
        sizes = {name: path.stat().st_size / 2**20 for name, path in (("short", short), ("long", long))}
    return {
        "short_mb": round(peaks["short"], 1),
        "long_mb": round(peaks["long"], 1),
        "ratio": round(peaks["long"] / peaks["short"], 3),
        "short_file_mb": round(sizes["short"], 1),
        "long_file_mb": round(sizes["long"], 1),
    }


def _peak(command: list[str], warm_up: Path, path: Path) -> float:
    contender = Contender("memory", command)
    try:
        contender.run(warm_up)
        contender.reset_peak()
        contender.run(path)
        return contender.peak_mb()
    finally:
        contender.close()


def _join(clips: list[Path], target: Path) -> None:
    """One MP3 of several."""
    listing = target.with_suffix(".txt")
    listing.write_text("".join(f"file '{clip.resolve()}'\n" for clip in clips), encoding="utf-8")
    command = ["ffmpeg", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", str(listing)]
    subprocess.run([*command, "-c:a", "libmp3lame", "-b:a", _RATE, str(target)], check=True)
