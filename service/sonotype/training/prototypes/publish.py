"""Write the model folder of a study."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from sonotype.evaluation.provenance import Corpus as Neighbourhood
from sonotype.evaluation.provenance import build_provenance
from sonotype.evaluation.recordings import short_names
from sonotype.models.card import Card, PrototypeCard, read_any_card
from sonotype.models.card_parts import BackboneSpec, DecoderSpec, LicenceSpec, WeightsSpec
from sonotype.models.heads.arrays import FILE_NAME, HeadArrays
from sonotype.models.heads.names import prototype_ids
from sonotype.training.embed import Embedded, decode
from sonotype.training.model_folder import CARD_NAME, card_text, write_folder
from sonotype.training.prototypes.finish import head_arrays
from sonotype.training.prototypes.parts import Study
from sonotype.training.prototypes.report import as_json, as_markdown

# files of a lower rate keep their own
SEGMENT_RATE_HZ = 44100
NOTICE_NAME = "LICENCES.md"
_DECODER_FILE = "decoder.safetensors"


@dataclass(frozen=True, slots=True)
class Words:
    """What the card says in words."""

    name: str
    title: str
    description: str
    licence: LicenceSpec
    citation: str


@dataclass(frozen=True, slots=True)
class Backbone:
    """What the embeddings were made with."""

    card: Card
    embedding: str
    patch_s: float


def publish(
    folder: Path,
    study: Study,
    embedded: Embedded,
    backbone: Backbone,
    words: Words,
    *,
    multilabel: bool = False,
    keep_segments: bool = False,
    notice: bytes | None = None,
    replace: bool = False,
) -> PrototypeCard:
    """Write card, arrays, provenance and report; a decoder of a replaced model on the same embedding is kept.

    Args:
        folder: of the model; its name is that of the model.
        study: the outcome.
        embedded: the examples of the study.
        backbone: of the embeddings.
        words: of the card.
        multilabel: whether files have several labels.
        keep_segments: put the nearest real segment of each prototype into the folder, as audio.
        notice: terms and attributions of the data set, laid beside the segments.
        replace: whether a model of that name may be replaced.

    Raises:
        SonotypeError: `invalid_request` where the folder exists or cannot be written.
    """
    split = study.split
    arrays, rows = head_arrays(study.chosen.network, split.train, split.normaliser)
    data = arrays.to_bytes()
    decoder = _kept_decoder(folder, backbone)
    card = PrototypeCard(
        card_schema=1,
        kind="prototypes",
        name=words.name,
        version="1",
        title=words.title,
        description=words.description,
        labels=split.labels,
        multilabel=multilabel,
        temperature=round(study.temperature, 6),
        backbone=BackboneSpec(
            model=backbone.card.name, embedding=backbone.embedding, sha256=backbone.card.weights_sha256
        ),
        weights=WeightsSpec(sha256=hashlib.sha256(data).hexdigest(), n_parameters=_size(arrays)),
        decoder=decoder,
        licence=words.licence,
        citation=words.citation,
    )
    files = {
        CARD_NAME: card_text(card).encode(),
        FILE_NAME: data,
        "provenance.json": _provenance(card, arrays, embedded, split.train.points, rows),
        "report.json": json.dumps(as_json(study, embedded), indent=2, ensure_ascii=False).encode(),
        "report.md": as_markdown(study, embedded).encode(),
    }
    if keep_segments:
        files |= _segments(card, arrays, embedded, rows, backbone.patch_s)
        files |= {} if notice is None else {f"medoids/{NOTICE_NAME}": notice}
    write_folder(folder, files, replace=replace, keep=(_DECODER_FILE,) if decoder else ())
    return card


def _size(arrays: HeadArrays) -> int:
    return int(arrays.prototypes.size + arrays.gamma.size + arrays.weight.size + arrays.bias.size)


def _provenance(
    card: PrototypeCard, arrays: HeadArrays, embedded: Embedded, points: NDArray[np.float32], rows: NDArray[np.int64]
) -> bytes:
    train = embedded.part(lambda example: example.split == "train")
    files = [train.examples[index] for index in train.example]
    names = short_names(example.path for example in train.examples)
    neighbourhood = Neighbourhood(
        points=points,
        labels=[example.labels for example in files],
        files=[names[example.path] for example in files],
        offsets_s=train.offset_s.tolist(),
        sources=[example.source for example in files],
        licences=[example.licence for example in files],
    )
    provenance = build_provenance(
        prototype_ids(card.name, card.labels, arrays.owners.tolist()),
        [card.labels[owner] for owner in arrays.owners],
        arrays.prototypes,
        gamma=arrays.gamma,
        corpus=neighbourhood,
        weights_sha256=card.weights.sha256,
        medoids=rows.tolist(),
    )
    return (provenance.model_dump_json(indent=2) + "\n").encode()


def _segments(
    card: PrototypeCard, arrays: HeadArrays, embedded: Embedded, rows: NDArray[np.int64], length_s: float
) -> dict[str, bytes]:
    """The audio of the nearest real segments, as Ogg Vorbis by path in the model folder."""
    train = embedded.part(lambda example: example.split == "train")
    ids = prototype_ids(card.name, card.labels, arrays.owners.tolist())
    files: dict[str, bytes] = {}
    for name, row in zip(ids, rows.tolist(), strict=True):
        path = train.examples[train.example[row]].path
        samples, facts = decode(path, SEGMENT_RATE_HZ)
        rate_hz = min(facts.sample_rate_hz, SEGMENT_RATE_HZ)
        if rate_hz != SEGMENT_RATE_HZ:
            samples, _ = decode(path, rate_hz)
        start = round(float(train.offset_s[row]) * rate_hz)
        piece = samples[start : start + round(length_s * rate_hz)]
        file = io.BytesIO()
        soundfile.write(file, np.clip(piece, -1.0, 1.0), rate_hz, format="OGG", subtype="VORBIS")
        files[f"medoids/{name}.ogg"] = file.getvalue()
    return files


def _kept_decoder(folder: Path, backbone: Backbone) -> DecoderSpec | None:
    """The decoder of the model that is there already, if it plays the same embedding."""
    try:
        old = read_any_card(folder / CARD_NAME)
    except (OSError, ValueError):
        return None
    if not isinstance(old, PrototypeCard):
        return None
    spec = old.backbone
    same = (spec.model, spec.embedding, spec.sha256) == (
        backbone.card.name,
        backbone.embedding,
        backbone.card.weights_sha256,
    )
    return old.decoder if same else None
