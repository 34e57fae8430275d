"""Prototype models on the fake network: made in milliseconds, and they tell tones of different loudness apart."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import soundfile

from sonotype.core.types import Floats
from sonotype.models.card import Card, PrototypeCard, read_card
from sonotype.models.card_parts import BackboneSpec, DecoderSpec, LicenceSpec, WeightsSpec
from sonotype.models.heads.arrays import FILE_NAME, HeadArrays
from sonotype.models.heads.names import prototype_ids
from sonotype.models.heads.provenance import PrototypeRecord, Provenance, Segment
from sonotype.models.runtime import load
from sonotype.training.model_folder import card_text

FAKES = Path(__file__).parent / "data" / "models"
LABELS = ("flute", "tenor saxophone", "piano")
RATE_HZ = 16000
SEGMENT_SAMPLES = 16384


def class_audio(index: int, seconds: float = 3.0, seed: int = 0) -> Floats:
    """Samples of class `index`: a tone whose level depends on the class, and a little on the seed."""
    random = np.random.default_rng((index, seed))
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    level = 0.8 * 4.0**-index * random.uniform(0.85, 1.0)
    return (level * np.sin(2 * np.pi * random.uniform(200, 2000) * at)).astype(np.float32)


def class_wav(index: int, seconds: float = 3.0, seed: int = 0) -> bytes:
    """`class_audio` as the bytes of a WAV."""
    file = io.BytesIO()
    soundfile.write(file, class_audio(index, seconds, seed), RATE_HZ, format="WAV", subtype="FLOAT")
    return file.getvalue()


def fake_backbone(name: str = "fake") -> Card:
    """The card of the fake network."""
    return read_card(FAKES / name / "card.toml")


def random_arrays(labels: int, per_class: int, dim: int, seed: int = 0) -> HeadArrays:
    """A head of random numbers, for tests of its arithmetic."""
    random = np.random.default_rng(seed)
    m = labels * per_class
    owners = np.repeat(np.arange(labels), per_class)
    own = (owners[None] == np.arange(labels)[:, None]) * random.uniform(1.0, 5.0)
    return HeadArrays(
        prototypes=_f32(random.normal(size=(m, dim))),
        owners=owners.astype(np.int64),
        mean=_f32(random.normal(size=dim)),
        scale=_f32(random.uniform(0.1, 3.0, dim)),
        gamma=_f32(random.uniform(0.2, 3.0, m) / dim),
        weight=_f32(own + random.normal(scale=0.3, size=(labels, m))),
        bias=_f32(random.normal(scale=0.3, size=labels)),
        baseline=_f32(random.uniform(0.0, 0.6, m)),
        ood_threshold=_f32(np.array([0.05])),
        medoids=_f32(random.normal(size=(m, dim))),
    )


def make_card(
    arrays: HeadArrays,
    labels: tuple[str, ...] = LABELS,
    *,
    name: str = "fake-prototypes",
    multilabel: bool = False,
    temperature: float = 0.1,
    decoder: bool = True,
    delay_ms: float = 0.0,
    backbone: Card | None = None,
) -> PrototypeCard:
    """The card of `arrays` on the embedding `vector` of a fake network, with a decoder of the family `fake`."""
    dim = arrays.prototypes.shape[1]
    base = backbone or fake_backbone()
    spec = DecoderSpec(
        family="fake",
        dim=dim,
        sample_rate_hz=RATE_HZ,
        segment_samples=SEGMENT_SAMPLES,
        options={"delay_ms": delay_ms},
    )
    return PrototypeCard(
        card_schema=1,
        kind="prototypes",
        name=name,
        version="1",
        title="Fake prototypes",
        description="Tones of different loudness, for tests.",
        labels=labels,
        multilabel=multilabel,
        temperature=temperature,
        backbone=BackboneSpec(model=base.name, embedding="vector", sha256=base.weights_sha256),
        weights=WeightsSpec(
            sha256=hashlib.sha256(arrays.to_bytes()).hexdigest(),
            n_parameters=arrays.prototypes.size + arrays.weight.size + arrays.bias.size,
        ),
        decoder=spec if decoder else None,
        licence=LicenceSpec(spdx="Apache-2.0", commercial=True, holder="the Sonotype authors"),
        citation="none",
    )


def fitted_arrays(labels: int = 3, per_class: int = 2, backbone: Card | None = None) -> HeadArrays:
    """A head whose prototypes are embeddings of `class_audio`, so that it recognises the classes."""
    base = backbone or fake_backbone()
    raw = np.stack([embed_tone(base, class_audio(c, 1.0, seed)) for c in range(labels) for seed in range(per_class)])
    owners = np.repeat(np.arange(labels), per_class)
    mean, scale = raw.mean(axis=0), raw.std(axis=0) + 1e-3
    z = (raw - mean) / scale
    distances = ((z[:, None] - z[None]) ** 2).sum(axis=-1)
    gamma = 2.0 / np.median(distances[owners[:, None] != owners[None]])
    similarities = np.exp(-gamma * distances)
    return HeadArrays(
        prototypes=_f32(z),
        owners=owners.astype(np.int64),
        mean=_f32(mean),
        scale=_f32(scale),
        gamma=_f32(np.full(len(z), gamma)),
        weight=_f32(owners[None] == np.arange(labels)[:, None]),
        bias=np.zeros(labels, dtype=np.float32),
        baseline=_f32(similarities.mean(axis=0)),
        ood_threshold=_f32(np.array([0.2])),
        medoids=_f32(raw),
    )


def make_model(
    repository: Path,
    *,
    name: str = "fake-prototypes",
    labels: tuple[str, ...] = LABELS,
    per_class: int = 2,
    multilabel: bool = False,
    decoder: bool = True,
    delay_ms: float = 0.0,
    provenance: bool = True,
    backbone: Card | None = None,
) -> PrototypeCard:
    """Write the folder of a prototype model into a model repository and return its card."""
    arrays = fitted_arrays(len(labels), per_class, backbone)
    card = make_card(
        arrays, labels, name=name, multilabel=multilabel, decoder=decoder, delay_ms=delay_ms, backbone=backbone
    )
    folder = repository / name
    folder.mkdir(parents=True)
    (folder / FILE_NAME).write_bytes(arrays.to_bytes())
    (folder / "card.toml").write_text(card_text(card), encoding="utf-8")
    if provenance:
        (folder / "provenance.json").write_text(make_provenance(card, arrays).model_dump_json(indent=2))
    return card


def make_provenance(card: PrototypeCard, arrays: HeadArrays) -> Provenance:
    """Provenance without a gate: every prototype is its own medoid."""
    ids = prototype_ids(card.name, card.labels, arrays.owners.tolist())
    return Provenance(
        weights_sha256=card.weights.sha256,
        effective_rank=float(len(ids)),
        prototypes=tuple(_record(i, card.labels[o]) for i, o in zip(ids, arrays.owners.tolist(), strict=True)),
    )


def _record(prototype_id: str, label: str) -> PrototypeRecord:
    segment = Segment(
        file=f"{prototype_id}.wav", offset_s=0.0, label=label, source="tones", licence="CC0-1.0", distance=0.0
    )
    return PrototypeRecord(id=prototype_id, label=label, medoid=segment, neighbours=(segment,), purity=1.0, share=0.5)


def embed_tone(card: Card, samples: Floats) -> Floats:
    """The embedding `vector` of the first patch, one second long."""
    window = samples[None, :RATE_HZ]
    output = load(card, None, "cpu", "fp32").run(window, np.array([100]), "repeat", card.default_frontend)
    return output.arrays["vector"][0]


def _f32(values: object) -> Floats:
    return np.asarray(values, dtype=np.float32)
