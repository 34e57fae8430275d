"""Write the licences and attributions of a data set beside it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sonotype.models.weights.base import write_atomic
from sonotype.training.data.sources import BY_NAME, Source

FILE = "LICENCES.md"
_HEAD = """# Licences of the data set `instruments`

Every file under `audio/` was rendered from, or cut out of, one of the sources below; the file's name begins with its
source. Whoever passes files on must keep to the licence of their source and name whom it asks to be named.
"""


_TUNES = """## tunes: OpenMSX, base music set of OpenTTD

- Licence: GPL-2.0-only (the scores of the files named `*-tune-*`, besides the licence of their source)
- Attribution: the OpenMSX authors: Jim Redfarn, Tistou Blomberg, imuh3, mimm, Kyle Timmerman, -lucas- and others
- Home: <https://github.com/OpenTTD/OpenMSX>
"""


def write(folder: Path, sources: Iterable[str], *, tunes: bool = False) -> None:
    """Write `LICENCES.md` for the named sources, and the tunes, into a folder."""
    sections = [_section(BY_NAME[name]) for name in sorted(sources)]
    if tunes:
        sections.append(_TUNES)
    write_atomic(folder / FILE, "\n".join([_HEAD, *sections]).encode())


def _section(source: Source) -> str:
    lines = [
        f"## {source.name}: {source.title}",
        "",
        f"- Licence: {source.licence}",
        f"- Attribution: {source.attribution}",
        f"- Home: <{source.home}>",
        f"- Used for: {'training and validation' if source.role == 'train' else 'test only'}",
    ]
    if source.remark:
        lines.append(f"- {source.remark}")
    return "\n".join([*lines, ""])
