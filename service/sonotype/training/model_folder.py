"""Write model folders: whole or not at all, so that a running service never sees half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import AnyHeadCard
from sonotype.models.weights.base import sync_folder, write_atomic

CARD_NAME = "card.toml"
_SILENT = ("multilabel", "seeds", "source", "citation")


def card_text(card: AnyHeadCard) -> str:
    """The card as TOML; what is None, or has a default that says nothing, is left out."""
    fields = card.model_dump(mode="json", exclude_none=True)
    said = card.model_dump(exclude_defaults=True).keys()
    kept = {k: v for k, v in fields.items() if k in said or k not in _SILENT}
    # plain values before tables, as TOML wants them
    ordered = sorted(kept.items(), key=lambda item: _is_table(item[1]))
    return tomli_w.dumps(dict(ordered), multiline_strings=True)


def rewrite_card(folder: Path, card: AnyHeadCard) -> None:
    """Replace the card of a model folder, for instance to add a decoder. Raises OSError."""
    write_atomic(folder / CARD_NAME, card_text(card).encode())


def write_folder(
    folder: Path, files: Mapping[str, bytes], *, replace: bool = False, keep: tuple[str, ...] = ()
) -> None:
    """Write the files of a model folder under a temporary name, then give the folder its own.

    Further versions in a folder that is replaced stay what they are.

    Args:
        folder: to be made; its parent is made too.
        files: content by path inside the folder.
        replace: whether a folder of that name may be replaced.
        keep: files of the replaced folder that are carried over.

    Raises:
        SonotypeError: `invalid_request` where the folder exists and may not be replaced, or cannot be written.
    """
    if folder.exists() and not replace:
        raise SonotypeError(Code.INVALID_REQUEST, f"There is a model {folder.name!r} already; --replace overwrites it.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # two levels deep, so that the registry, which looks one level deep, never sees it
        temporary = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder.parent))
        try:
            _fill(temporary / "new", files)
            _carry_over(folder, temporary / "new", keep)
            _carry_versions_over(folder, temporary / "new")
            _swap(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise SonotypeError(Code.INVALID_REQUEST, f"The model folder cannot be written: {error.strerror}.") from error


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        write_atomic(folder / name, content)


def _carry_over(old: Path, new: Path, keep: tuple[str, ...]) -> None:
    for name in keep:
        if (old / name).is_file() and not (new / name).exists():
            shutil.copy2(old / name, new / name)


def _carry_versions_over(old: Path, new: Path) -> None:
    for card in sorted(old.glob(f"*/{CARD_NAME}")):
        shutil.copytree(card.parent, new / card.parent.name, copy_function=_link)


def _link(source: str, target: str) -> None:
    """The same file under another name, or, where the file system knows no such thing, a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _swap(temporary: Path, folder: Path) -> None:
    """Put the new folder in the place of the old one; two renames, as a folder that is not empty cannot be replaced."""
    old = temporary / "old"
    if folder.exists():
        os.rename(folder, old)
    try:
        os.rename(temporary / "new", folder)
    except OSError:
        if old.exists():
            os.rename(old, folder)
        raise
    sync_folder(folder.parent)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))
