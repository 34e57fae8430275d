from __future__ import annotations

import csv
import os
import uuid
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sonotype.cli.app import app
from sonotype.core.errors import SonotypeError
from sonotype.training.data import gtzan as gtzan_module
from sonotype.training.data import medley
from sonotype.training.data.dataset import read_manifest
from sonotype.training.data.gtzan import DROPPED, GENRES, LISTS, gtzan
from sonotype.training.data.medley import COUNTS, LABELS, medley_solos_db

_SUBSETS = {"train": "training", "validation": "validation", "test": "test"}


def touch(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))


@pytest.fixture(scope="module")
def medley_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The names of all 21 571 files, and the metadata."""
    root = tmp_path_factory.mktemp("medley")
    folder = root / "Medley-solos-DB"
    folder.mkdir()
    rows, number = [], 0
    for split, counts in COUNTS.items():
        for instrument, count in enumerate(counts):
            for i in range(count):
                number += 1
                name = uuid.UUID(int=number)
                touch(folder / f"Medley-solos-DB_{_SUBSETS[split]}-{instrument}_{name}.wav")
                rows.append([_SUBSETS[split], LABELS[instrument], instrument, f"{split}{i // 50}", str(name)])
    with (root / medley.METADATA).open("w", newline="") as file:
        csv.writer(file).writerows([["subset", "instrument", "instrument_id", "song_id", "uuid4"], *rows])
    return root


def test_medley_has_its_published_counts(medley_root: Path) -> None:
    examples = medley_solos_db(medley_root)
    assert len(examples) == 21_571
    assert Counter(e.split for e in examples) == {"train": 5841, "validation": 3494, "test": 12_236}
    counts = Counter((e.split, e.labels[0]) for e in examples)
    assert counts["test", "flute"] == 3167
    assert counts["validation", "tenor saxophone"] == 29
    assert {e.source for e in examples if e.split == "test"} == {"solosdb"}
    assert {e.source for e in examples if e.split != "test"} == {"medleydb"}
    splits_of: dict[str, set[str]] = {}
    for e in examples:
        splits_of.setdefault(e.group, set()).add(e.split)
    assert all(len(found) == 1 for found in splits_of.values())
    assert len(splits_of) < 500


def test_medley_lacking_a_file_is_refused(medley_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(medley.COUNTS, "train", (252, *COUNTS["train"][1:]))
    with pytest.raises(SonotypeError, match="has 252 train files of 'clarinet', this folder has 251"):
        medley_solos_db(medley_root)


@pytest.fixture(scope="module")
def gtzan_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gtzan") / "genres"
    for genre in GENRES:
        (root / genre).mkdir(parents=True)
        for number in range(100):
            touch(root / genre / f"{genre}.{number:05d}.wav")
    return root


def test_gtzan_pecmae_has_its_published_counts(gtzan_root: Path) -> None:
    examples = gtzan(gtzan_root)
    assert Counter(e.split for e in examples) == {"train": 732, "validation": 96, "test": 91}
    by_genre = Counter((e.labels[0], e.split) for e in examples)
    expected = {"rock": (57, 8, 10), "metal": (68, 9, 7), "reggae": (79, 10, 9), "blues": (80, 10, 10)}
    for genre, counts in expected.items():
        assert tuple(by_genre[genre, split] for split in ("train", "validation", "test")) == counts
    assert not any("jazz.00054" in e.path.name for e in examples)
    assert sum(map(len, DROPPED.values())) == 81


def test_gtzan_knows_the_other_name_of_one_file(gtzan_root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "genres"
    for file in gtzan_root.rglob("*.wav"):
        touch_in(copy / file.parent.name, file.name.replace("reggae.00086", "reggae.99986"))
    assert any(e.path.name == "reggae.99986.wav" and e.split == "train" for e in gtzan(copy))


def touch_in(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    touch(folder / name)


def write_lists(folder: Path, counts: dict[str, int]) -> None:
    names = iter([f"{genre}/{genre}.{number:05d}.wav" for number in range(100) for genre in GENRES])
    for split, file in LISTS.items():
        (folder / file).write_text("".join(f"{next(names)}\n" for _ in range(counts[split])))


def test_gtzan_fault_filtered_follows_the_lists(gtzan_root: Path, tmp_path: Path) -> None:
    write_lists(tmp_path, {"train": 443, "validation": 197, "test": 290})
    options = {"--split": "fault-filtered", "--split-dir": str(tmp_path), "--out": str(tmp_path / "gtzan.csv")}
    words = [word for option in options.items() for word in option]
    result = CliRunner().invoke(app, ["data", "read", "gtzan", str(gtzan_root), *words])
    assert result.exit_code == 0
    assert "930 files (443 train, 197 validation, 290 test)" in result.output
    assert Counter(e.split for e in read_manifest(tmp_path / "gtzan.csv")) == {
        "train": 443,
        "validation": 197,
        "test": 290,
    }


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda folder: None, "cannot be read"),
        (lambda folder: write_lists(folder, {"train": 442, "validation": 197, "test": 290}), "442 / 197 / 290"),
        (lambda folder: (folder / LISTS["train"]).write_text("polka/polka.00001.wav\n"), "no file of GTZAN"),
    ],
)
def test_wrong_lists_are_refused(gtzan_root: Path, tmp_path: Path, prepare: object, said: str) -> None:
    prepare(tmp_path)  # type: ignore[operator]
    with pytest.raises(SonotypeError, match=said):
        gtzan(gtzan_root, "fault-filtered", tmp_path)


def test_mistakes_get_one_clear_line(gtzan_root: Path, tmp_path: Path) -> None:
    with pytest.raises(SonotypeError, match="--split-dir"):
        gtzan(gtzan_root, "fault-filtered")
    with pytest.raises(SonotypeError, match="lacks the file blues"):
        gtzan(tmp_path)
    with pytest.raises(SonotypeError, match="pecmae and fault-filtered"):
        gtzan_module.known_split("random")


def test_the_list_names_sets_sources_and_licences() -> None:
    result = CliRunner().invoke(app, ["data", "list"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for words in ("medley-solos-db", "gtzan", "instruments", "salamander", "CC-BY-SA-3.0"):
        assert words in result.output


@pytest.mark.parametrize("cell", ["", "|", " | "])
def test_a_row_without_a_label_is_named(tmp_path: Path, cell: str) -> None:
    (tmp_path / "data.csv").write_text(f"path,labels\na.wav,piano\nb.wav,{cell}\n")
    with pytest.raises(SonotypeError, match="Line 3 of the manifest"):
        read_manifest(tmp_path / "data.csv")
