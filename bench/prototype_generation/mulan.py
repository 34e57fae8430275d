"""Multilabel corpora in Mulan's format: an ARFF file of features and labels, and an XML file that names the labels."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

_ATTRIBUTE = re.compile(r"@attribute\s+('(?:[^'\\]|\\.)*'|\"[^\"]*\"|\S+)\s+(.*)", re.IGNORECASE)
IDS = {"genbase": 1}
"""Leading features that are the name of the sample: genbase's protein."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Features float64 [n, d] and labels bool [n, L], of training and of test."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.bool_]
    test_x: NDArray[np.float64]
    test_y: NDArray[np.bool_]

    def scaled(self) -> Corpus:
        """Without names of samples, every feature from 0 to 1 in training."""
        first = IDS.get(self.name, 0)
        x, test_x = self.x[:, first:], self.test_x[:, first:]
        low, high = x.min(axis=0), x.max(axis=0)
        span = np.where(high > low, high - low, 1.0)
        return Corpus(self.name, (x - low) / span, self.y, (test_x - low) / span, self.test_y)


def load(folder: Path, name: str) -> Corpus:
    """Training and test of one corpus, nominal features as the number of their value."""
    return Corpus(name, *read(folder, name, "train"), *read(folder, name, "test"))


def read(folder: Path, name: str, part: Literal["train", "test"]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Features and labels of one file."""
    text = (folder / name / f"{name}-{part}.arff").read_text(encoding="utf-8", errors="replace")
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("%")]
    start = next(number for number, line in enumerate(lines) if line.lower().startswith("@data"))
    attributes = [match.groups() for line in lines[:start] if (match := _ATTRIBUTE.match(line))]
    names = [_bare(attribute) for attribute, _ in attributes]
    values = [_values(kind.strip()) for _, kind in attributes]
    table = np.array([_row(line, values) for line in lines[start + 1 :]])
    labels = [names.index(label) for label in _labels(folder / name / f"{name}.xml")]
    return np.delete(table, labels, axis=1), table[:, labels] > 0.5


def _labels(path: Path) -> list[str]:
    tree = ET.parse(path)  # noqa: S314 - the corpora that whoever runs this has fetched
    return [str(element.get("name")).replace("\\'", "'") for element in tree.getroot()]


def _bare(text: str) -> str:
    return text.strip().strip("'\"").replace("\\'", "'")


def _values(kind: str) -> dict[str, float] | None:
    """The number of every nominal value; None for numbers."""
    if not kind.startswith("{"):
        return None
    return {_bare(value): float(number) for number, value in enumerate(kind.strip("{}").split(","))}


def _row(line: str, values: list[dict[str, float] | None]) -> NDArray[np.float64]:
    row = np.zeros(len(values))
    if line.startswith("{"):
        for item in filter(None, map(str.strip, line.strip("{}").split(","))):
            number, value = item.split(None, 1)
            row[int(number)] = _number(value, values[int(number)])
        return row
    fields = next(csv.reader([line], quotechar="'" if "'" in line else '"', skipinitialspace=True))
    return np.array([_number(field, kind) for field, kind in zip(fields, values, strict=True)])


def _number(text: str, values: dict[str, float] | None) -> float:
    return float(text) if values is None else values[_bare(text)]
