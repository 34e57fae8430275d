"""A model folder is replaced whole, or the old one stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.model_folder import write_folder


def test_a_folder_is_replaced_whole_and_keeps_what_is_to_be_kept(tmp_path: Path) -> None:
    folder = tmp_path / "repo" / "model"
    write_folder(folder, {"card.toml": b"old", "kept": b"1", "gone": b"2"})
    with pytest.raises(SonotypeError, match="--replace"):
        write_folder(folder, {"card.toml": b"new"})
    write_folder(folder, {"card.toml": b"new", "medoids/a.ogg": b"3"}, replace=True, keep=("kept",))
    assert {path.name for path in folder.iterdir()} == {"card.toml", "kept", "medoids"}
    assert (folder / "card.toml").read_bytes() == b"new"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_replacement_that_fails_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    write_folder(folder, {"card.toml": b"old"})
    rename = os.rename

    def failing(source: Path, target: Path) -> None:
        if source.name == "new":
            raise OSError(errno.EIO, "no")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(SonotypeError) as caught:
        write_folder(folder, {"card.toml": b"new"}, replace=True)
    assert caught.value.code is Code.INVALID_REQUEST
    assert (folder / "card.toml").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
