"""Folders and manifests become examples with splits; what cannot be learned from is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sonotype.core.errors import Code, SonotypeError
from sonotype.training.data.dataset import Example, write_manifest
from sonotype.training.examples import read_examples, with_splits


def make(label: str, count: int, *, groups: int = 0) -> list[Example]:
    return [
        Example(Path(f"{label}-{i}.wav"), (label,), group=f"{label}/{i % groups}" if groups else "")
        for i in range(count)
    ]


def by_split(examples: list[Example], label: str) -> Counter[str]:
    return Counter(example.split for example in examples if label in example.labels)


def test_splits_are_stratified_and_seeded() -> None:
    examples = make("a", 50) + make("b", 10)
    first = with_splits(examples, 1)
    assert by_split(first, "a") == {"train": 30, "validation": 10, "test": 10}
    assert by_split(first, "b") == {"train": 6, "validation": 2, "test": 2}
    assert with_splits(examples, 1) == first != with_splits(examples, 2)


def test_small_classes_train_and_validate_first() -> None:
    assert by_split(with_splits(make("a", 2)), "a") == {"train": 1, "validation": 1}
    assert by_split(with_splits(make("a", 3)), "a") == {"train": 1, "validation": 1, "test": 1}


def test_groups_stay_together() -> None:
    split = with_splits(make("a", 60, groups=6) + make("b", 60, groups=5))
    places: dict[str, set[str]] = {}
    for example in split:
        places.setdefault(example.group, set()).add(example.split)
    assert all(len(found) == 1 for found in places.values())
    assert set(by_split(split, "b")) == {"train", "validation", "test"}


def test_given_splits_are_kept() -> None:
    given = [Example(Path(f"{i}.wav"), ("a",), "test" if i < 4 else "train") for i in range(20)]
    split = with_splits(given)
    assert [e.split for e in split[:4]] == ["test"] * 4
    assert by_split(split, "a") == {"test": 4, "train": 12, "validation": 4}
    whole = [Example(Path("v.wav"), ("a",), "validation"), *given]
    assert with_splits(whole) == whole


def test_a_folder_has_a_class_per_sub_folder(tmp_path: Path) -> None:
    for name in ("oboe/1.wav", "oboe/deep/2.flac", "harp/1.wav", "harp/2.wav", "harp/.hidden", ".git/x", "loose.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    examples = read_examples(tmp_path)
    assert Counter(example.labels for example in examples) == {("harp",): 2, ("oboe",): 2}


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        ([], "no examples"),
        (make("a", 5), "only one class"),
        (make("a", 5) + make("b", 1), "'b' has one"),
        ([*make("a", 2), *make("b", 2), Example(Path("x.wav"), ("a", "b"))], "--multilabel"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(tmp_path: Path, examples: list[Example], words: str) -> None:
    write_manifest(tmp_path / "data.csv", examples)
    with pytest.raises(SonotypeError, match=words) as caught:
        read_examples(tmp_path / "data.csv")
    assert caught.value.code == Code.INVALID_REQUEST


def test_several_labels_where_asked_for(tmp_path: Path) -> None:
    both = [Example(Path(f"x{i}.wav"), ("a", "b")) for i in range(4)]
    write_manifest(tmp_path / "data.csv", [*make("a", 3), *both])
    examples = read_examples(tmp_path / "data.csv", multilabel=True)
    assert {label for example in examples for label in example.labels} == {"a", "b"}
    for label in "ab":
        assert {"train", "validation"} <= set(by_split(examples, label))
