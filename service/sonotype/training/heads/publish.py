"""Write the model folder of a head: the first version under its name, further ones beside it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sonotype.core.errors import Code, SonotypeError
from sonotype.models.card import HeadCard, read_any_card
from sonotype.models.card_parts import BackboneSpec, LayerSpec, LicenceSpec, WeightsSpec
from sonotype.models.heads.transfer import HEAD_FILE, head_bytes
from sonotype.training.heads.study import Study
from sonotype.training.model_folder import CARD_NAME, card_text, write_folder

REPORT_NAME = "report.json"
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Words:
    """What the card says that is not learned."""

    name: str
    title: str
    description: str
    positive: str | None
    backbone: BackboneSpec
    frontend: str
    hop_s: float | None
    licence: LicenceSpec


def publish(repository: Path, study: Study, words: Words, report: dict[str, Any]) -> tuple[HeadCard, Path]:
    """Write card, weights and report.

    Args:
        repository: the model repository; a model of that name there gets one more version.
        study: the outcome.
        words: of the card.
        report: see `report.as_json`.

    Returns:
        The card, and the folder it lies in.

    Raises:
        SonotypeError: `invalid_request` where the folder cannot be written, or the name belongs to another kind.
    """
    corpus, layers = study.corpus, study.chosen.fitted.layers
    scale = np.asarray(1.0 / corpus.normaliser.scale, dtype=np.float32)
    content = head_bytes(layers, corpus.normaliser.mean, scale)
    version, folder = next_version(repository, words.name)
    units = [len(layer.bias) for layer in layers]
    card = HeadCard(
        card_schema=1,
        kind="head",
        name=words.name,
        version=version,
        title=words.title,
        description=words.description,
        task=corpus.task,
        labels=corpus.labels,
        positive=words.positive,
        backbone=words.backbone,
        frontend=words.frontend,
        hop_s=words.hop_s,
        layers=(*(LayerSpec(units=n, activation="relu") for n in units[:-1]), LayerSpec(units=units[-1])),
        temperature=round(study.temperature, _DIGITS),
        weights=WeightsSpec(
            sha256=hashlib.sha256(content).hexdigest(),
            n_parameters=sum(layer.weight.size + layer.bias.size for layer in layers),
        ),
        licence=words.licence,
    )
    text = json.dumps({"model": card.address} | report, indent=2, ensure_ascii=False).encode()
    write_folder(folder, {CARD_NAME: card_text(card).encode(), HEAD_FILE: content, REPORT_NAME: text})
    return card, folder


def next_version(repository: Path, name: str) -> tuple[str, Path]:
    """The version that a model of this name gets next, and the folder for it.

    Raises:
        SonotypeError: `invalid_request` where the name belongs to a model of another kind.
    """
    known = []
    for path in (repository / name / CARD_NAME, *sorted((repository / name).glob(f"*/{CARD_NAME}"))):
        if not path.is_file():
            continue
        try:
            card = read_any_card(path)
        except ValueError as error:
            raise _refused(f"There is a model {name!r} whose card cannot be read; choose another name.") from error
        if not isinstance(card, HeadCard):
            raise _refused(f"There is a model {name!r} that is no transfer head; choose another name.")
        known.append(int(card.version.split(".")[0]))
    if not known and not (repository / name).exists():
        return "1", repository / name
    version = str(max(known, default=0) + 1)
    return version, repository / name / version


def _refused(detail: str) -> SonotypeError:
    return SonotypeError(Code.INVALID_REQUEST, detail)
