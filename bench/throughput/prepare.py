"""Cut a folder of music into equal MP3 clips, so that every contender sees the same files.

Which music does not matter to the ratios, so anything at hand will do; Debian's `wesnoth-1.16-music` (GPL, 41 Ogg
files) is what the published table was made with. The cut is deterministic: same folder, same clips.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

_SUFFIXES = {".ogg", ".mp3", ".flac", ".wav", ".m4a", ".opus", ".aiff"}


def duration_s(path: Path) -> float:
    """Length of an audio file in seconds, 0 if ffprobe cannot tell."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    try:
        return float(text)
    except ValueError:
        return 0.0


def plan(durations: dict[Path, float], count: int, seconds: float) -> list[tuple[Path, float]]:
    """Choose `count` (file, offset) cuts, spread over the files, overlapping no more than needed.

    Raises:
        ValueError: the folder does not hold enough audio.
    """
    step = seconds
    while step >= 1:
        rows = [
            [(path, k * step) for k in range(int((total - seconds) // step) + 1)]
            for path, total in sorted(durations.items())
            if total >= seconds
        ]
        cuts = [cut for column in zip_longest(*rows) for cut in column if cut is not None]
        if len(cuts) >= count:
            return cuts[:count]
        step /= 2
    raise ValueError(f"not enough files of {seconds:.0f} s or more for {count} clips")


def cut(source: Path, offset_s: float, seconds: float, target: Path) -> None:
    """Encode one clip as 192 kbit/s stereo MP3 at 44.1 kHz (needs ffmpeg with libmp3lame)."""
    command = ["ffmpeg", "-v", "error", "-y", "-ss", f"{offset_s}", "-t", f"{seconds}", "-i", str(source)]
    command += ["-map", "0:a:0", "-ac", "2", "-ar", "44100", "-c:a", "libmp3lame", "-b:a", "192k"]
    subprocess.run([*command, "-map_metadata", "-1", str(target)], check=True)


def prepare(music: Path, out: Path, count: int, seconds: float) -> list[Path]:
    """Write the clips that are still missing and return all of them, in order."""
    out.mkdir(parents=True, exist_ok=True)
    files = [path for path in sorted(music.rglob("*")) if path.suffix.lower() in _SUFFIXES]
    cuts = plan({path: duration_s(path) for path in files}, count, seconds)
    targets = [out / f"{i:03d}_{path.stem}_{offset:.0f}.mp3" for i, (path, offset) in enumerate(cuts)]
    for (path, offset), target in zip(cuts, targets, strict=True):
        if not target.exists():
            cut(path, offset, seconds, target)
    return targets


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("music", type=Path, help="folder of music, searched recursively")
    parser.add_argument("out", type=Path, help="folder for the clips")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=180.0)
    args = parser.parse_args()
    targets = prepare(args.music, args.out, args.count, args.seconds)
    sys.stdout.write(f"{len(targets)} clips in {args.out}\n")


if __name__ == "__main__":
    main()
