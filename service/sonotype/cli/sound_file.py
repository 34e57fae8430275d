"""Where audio goes: a file that is whole or not there, or stdout as it comes."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from sonotype.cli.errors import stderr
from sonotype.cli.prototype_calls import Sound
from sonotype.core.errors import Code, SonotypeError
from sonotype.plane.sonification import AudioFormat

STDOUT = Path("-")
_FORMATS: dict[str, AudioFormat] = {".wav": "wav", ".flac": "flac", ".ogg": "ogg", ".oga": "ogg", ".mp3": "mp3"}


def format_of(output: Path, wish: str | None) -> AudioFormat:
    """The format that is wished for, else that of the file's suffix, else WAV.

    Raises:
        SonotypeError: `invalid_request` for another one.
    """
    suffix = f".{wish}" if wish else output.suffix.lower() or ".wav"
    if suffix not in _FORMATS:
        raise SonotypeError(Code.INVALID_REQUEST, f"Audio can be wav, flac, ogg or mp3, not {suffix[1:]!r}.")
    return _FORMATS[suffix]


async def write_sound(sound: Sound, output: Path) -> int:
    """Write all of it and return its length in bytes.

    Raises:
        SonotypeError: whatever ends the sound before its end; `invalid_request` where the file cannot be written.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    n_bytes = 0
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task("receiving", total=sound.n_bytes)
        with _target(output) as target:
            async for chunk in sound.chunks:
                target.write(chunk)
                if output == STDOUT:
                    target.flush()
                n_bytes += len(chunk)
                progress.advance(task, len(chunk))
    return n_bytes


@contextmanager
def _target(output: Path) -> Iterator[BinaryIO]:
    if output == STDOUT:
        yield sys.stdout.buffer
        return
    try:
        file = tempfile.NamedTemporaryFile(dir=output.parent, prefix=f".{output.name}.", delete=False)  # noqa: SIM115
    except OSError as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"{output} cannot be written: {error.strerror}.") from None
    part = Path(file.name)
    try:
        with file:
            yield cast(BinaryIO, file)
        # such files are private until now; a sound is as open as any other file that the user makes
        part.chmod(0o644)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
